//! Many mutants in one source text, each behind a number that is chosen when the program runs.
//!
//! `a < b` becomes `(match (&(a), &(b)) { (l, r) => if crate::mutants::on(7) { *l <= *r } else
//! { *l < *r } })`: only text between the tokens is added, so that changes within `a` and `b` stay
//! where they are.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;

use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Arm, BinOp, Block, Expr, UnOp};

use super::edits::{Edits, Switched};
use super::list::{Kind, Mutant};

/// What the changed text calls, to be added to the root of the crate.
pub(crate) const CALLED: &str = r#"
mod mutants {
    extern crate std;

    use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

    /// Whether this one was chosen for the run, by its number in the variable `MUTANT`.
    pub(crate) fn on(number: u32) -> bool {
        static CHOSEN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        let read = || std::env::var("MUTANT").ok()?.parse().ok();
        *CHOSEN.get_or_init(|| read().unwrap_or(u32::MAX)) == number
    }

    /// The hash of an address from the folder in the variable `MUTANT_HASHES`, or as it is made.
    pub(crate) fn hash(address: &[u8], salt: &[u8], make: impl FnOnce() -> [u8; 32]) -> [u8; 32] {
        let Some(folder) = std::env::var_os("MUTANT_HASHES") else { return make() };
        let name = BuildHasherDefault::<DefaultHasher>::default().hash_one((address, salt));
        let file = std::path::Path::new(&folder).join(std::format!("{name:016x}"));
        let read = std::fs::read(&file).ok().and_then(|bytes| bytes.try_into().ok());
        read.unwrap_or_else(|| {
            let made = make();
            let _ = std::fs::write(&file, made);
            made
        })
    }
}
"#;

/// The place in the core that takes most of the time of the vectors, and the same with a memory.
/// The hashes are deliberately slow, and the same for every mutant.
pub(crate) const HASHES: (&str, &str) = (
    "pub fn email_hash(address: &EmailAddress, salt: &[u8; 32]) -> [u8; 32] {",
    "pub fn email_hash(address: &EmailAddress, salt: &[u8; 32]) -> [u8; 32] { \
     crate::mutants::hash(address.0.as_bytes(), salt, || slow_email_hash(address, salt)) } \
     fn slow_email_hash(address: &EmailAddress, salt: &[u8; 32]) -> [u8; 32] {",
);

/// Writes these mutants, with their numbers, into the text. Those that cannot be written so are not
/// in [`Switched::within`].
pub(crate) fn switch(source: &str, mutants: &[(usize, &Mutant)]) -> Result<Switched, String> {
    let file = syn::parse_file(source).map_err(|error| error.to_string())?;
    let mut by_start: HashMap<_, Vec<(usize, &Mutant)>> = HashMap::new();
    for &(number, mutant) in mutants {
        by_start
            .entry(mutant.start)
            .or_default()
            .push((number, mutant));
    }
    let starts = source.split_inclusive('\n').scan(0, |end, line| {
        let start = mem::replace(end, *end + line.len());
        Some((start, line))
    });
    let mut sites = Sites {
        lines: starts.collect(),
        by_start,
        edits: Edits::default(),
        bases: Vec::new(),
    };
    sites.visit_file(&file);
    Ok(sites.edits.apply(source))
}

struct Sites<'a> {
    /// Each line with the byte at which it begins.
    lines: Vec<(usize, &'a str)>,
    by_start: HashMap<(usize, usize), Vec<(usize, &'a Mutant)>>,
    edits: Edits,
    /// The text of the base of each struct expression around.
    bases: Vec<Option<String>>,
}

impl<'a> Sites<'a> {
    fn offset(&self, at: LineColumn) -> usize {
        let line = at
            .line
            .checked_sub(1)
            .and_then(|index| self.lines.get(index));
        line.map_or(0, |(start, text)| {
            let column = text.char_indices().nth(at.column);
            start + column.map_or(text.len(), |(byte, _)| byte)
        })
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        self.offset(span.start())..self.offset(span.end())
    }

    /// The mutants of a kind that begin where this does.
    fn at(&self, span: Span, kind: Kind) -> Vec<(usize, &'a Mutant)> {
        let start = (span.start().line, span.start().column + 1);
        let here = self.by_start.get(&start).into_iter().flatten();
        here.filter(|(_, mutant)| mutant.kind == kind)
            .copied()
            .collect()
    }

    fn body(&mut self, block: &'a Block) {
        let bytes = self.bytes(block.span());
        let far = self
            .reaching(&bytes)
            .map(|number| (String::new(), Some(number)));
        let far = far.collect();
        let opened = self.edits.replace(bytes.start..bytes.start, Vec::new());
        let first = block
            .stmts
            .first()
            .map(|first| self.at(first.span(), Kind::Body));
        for (number, mutant) in first.unwrap_or_default() {
            let start = self.bytes(block.brace_token.span.open()).end;
            let names =
                "use ::alloc::{borrow::ToOwned, boxed::Box, string::String, vec, vec::Vec};";
            let other = format!(" return {};", mutant.replacement);
            self.edits.replace(
                start..start,
                vec![
                    (
                        format!(" if {} {{ #[allow(unused_imports)] {names}", on(number)),
                        None,
                    ),
                    (other, Some(number)),
                    (" }".into(), None),
                ],
            );
        }
        visit::visit_block(self, block);
        self.edits.close(opened, bytes.end, far);
    }

    /// The mutants in these bytes that a compiler may complain about elsewhere in their function:
    /// where an arm is needed, or what a field took is used again.
    fn reaching(&self, bytes: &Range<usize>) -> impl Iterator<Item = usize> {
        let all = self.by_start.iter().filter(|(start, _)| {
            let at = LineColumn {
                line: start.0,
                column: start.1 - 1,
            };
            bytes.contains(&self.offset(at))
        });
        let all = all
            .flat_map(|(_, mutants)| mutants)
            .filter(|(_, mutant)| matches!(mutant.kind, Kind::Arm | Kind::Field | Kind::Guard));
        all.map(|(number, _)| *number)
    }

    fn binary(&mut self, binary: &'a syn::ExprBinary) {
        let found = self.at(binary.op.span(), Kind::Binary);
        let chain = |side: &Expr| matches!(side, Expr::Let(_)) || has_let(side);
        if found.is_empty() || chain(&binary.left) || chain(&binary.right) {
            return visit::visit_expr_binary(self, binary);
        }
        let (whole, operator) = (self.bytes(binary.span()), self.bytes(binary.op.span()));
        let (before, between, after) = match (&binary.op, found.as_slice()) {
            // The right side is looked at or not, as ever.
            (BinOp::And(_), &[(number, _)]) => (
                "(if (".to_owned(),
                (format!(") != {} {{", on(number)), Some(number)),
                vec![(format!("}} else {{ {} }})", on(number)), Some(number))],
            ),
            (BinOp::Or(_), &[(number, _)]) => (
                "(if (".to_owned(),
                (format!(") == {} {{", on(number)), Some(number)),
                vec![(format!("}} else {{ !{} }})", on(number)), Some(number))],
            ),
            (BinOp::And(_) | BinOp::Or(_), _) => return visit::visit_expr_binary(self, binary),
            (op, found) => {
                let borrowed = matches!(
                    op,
                    BinOp::Eq(_)
                        | BinOp::Ne(_)
                        | BinOp::Lt(_)
                        | BinOp::Le(_)
                        | BinOp::Gt(_)
                        | BinOp::Ge(_)
                );
                let assigns = is_assignment(op);
                let (left, right, l, r) = match (borrowed, assigns) {
                    (true, _) => ("&(", "&(", "*l", "*r"),
                    (_, true) => ("&mut (", "(", "*l", "r"),
                    _ => ("(", "(", "l", "r"),
                };
                let mut after = vec![(")) { (l, r) => ".to_owned(), None)];
                for (number, mutant) in found {
                    after.push((format!("if {} {{ ", on(*number)), None));
                    after.push((format!("{l} {} {r}", mutant.replacement), Some(*number)));
                    after.push((" } else ".to_owned(), None));
                }
                after.push((format!("{{ {l} {} {r} }} }})", op_text(op)), None));
                (
                    format!("(match ({left}"),
                    (format!("), {right}"), None),
                    after,
                )
            }
        };
        let opened = self
            .edits
            .replace(whole.start..whole.start, vec![(before, None)]);
        self.edits.replace(operator, vec![between]);
        visit::visit_expr_binary(self, binary);
        self.edits.close(opened, whole.end, after);
    }

    fn unary(&mut self, unary: &'a syn::ExprUnary) {
        let found = self.at(unary.op.span(), Kind::Unary);
        let (&[(number, _)], UnOp::Not(_)) = (found.as_slice(), &unary.op) else {
            return visit::visit_expr_unary(self, unary);
        };
        let (whole, operator) = (self.bytes(unary.span()), self.bytes(unary.op.span()));
        let opened = self
            .edits
            .replace(operator, vec![("(match (".into(), None)]);
        visit::visit_expr_unary(self, unary);
        let after = format!(") {{ v => if {} {{ v }} else {{ !v }} }})", on(number));
        self.edits
            .close(opened, whole.end, vec![(after, Some(number))]);
    }

    fn arm(&mut self, arm: &'a Arm) {
        let missing = self.at(arm.pat.span(), Kind::Arm);
        let missing = missing.first().map(|(number, _)| *number);
        let syn::Pat::Guard(syn::PatGuard { guard, .. }) = &arm.pat else {
            if let Some(number) = missing {
                let end = self.bytes(arm.pat.span()).end;
                self.edits.replace(
                    end..end,
                    vec![(format!(" if !{}", on(number)), Some(number))],
                );
            }
            return visit::visit_arm(self, arm);
        };
        let found = self.at(guard.span(), Kind::Guard);
        if has_let(guard) || (found.is_empty() && missing.is_none()) {
            return visit::visit_arm(self, arm);
        }
        let bytes = self.bytes(guard.span());
        let never = |number: usize| (format!("!{} && ", on(number)), Some(number));
        let mut before: Vec<_> = missing.map(never).into_iter().collect();
        let mut after = ")".to_owned();
        for &(number, mutant) in &found {
            if mutant.replacement == "true" {
                before.push((format!("({} || ", on(number)), Some(number)));
                after.push(')');
            } else {
                before.push(never(number));
            }
        }
        before.push(("( ".into(), None));
        let opened = self.edits.replace(bytes.start..bytes.start, before);
        visit::visit_arm(self, arm);
        self.edits.close(opened, bytes.end, vec![(after, None)]);
    }

    fn field(&mut self, field: &'a syn::FieldValue) {
        let found = self.at(field.span(), Kind::Field);
        let base = self.bases.last().cloned().flatten();
        let (&[(number, _)], Some(base)) = (found.as_slice(), base) else {
            return visit::visit_field_value(self, field);
        };
        let (whole, value) = (self.bytes(field.span()), self.bytes(field.expr.span()));
        let name = match &field.member {
            syn::Member::Named(name) => name.to_string(),
            syn::Member::Unnamed(index) => index.index.to_string(),
        };
        // What is written short is written out.
        let (start, short) = match field.colon_token {
            Some(_) => (value.start, String::new()),
            None => (whole.start, format!("{name}: ")),
        };
        let opened = self.edits.replace(
            start..start,
            vec![
                (format!("{short}if {} {{ ", on(number)), None),
                (format!("({base}).{name}"), Some(number)),
                (" } else { ".into(), None),
            ],
        );
        visit::visit_field_value(self, field);
        self.edits
            .close(opened, value.end, vec![(" }".into(), None)]);
    }
}

impl<'a> Visit<'a> for Sites<'a> {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        if item.sig.constness.is_none() {
            self.body(&item.block);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if item.sig.constness.is_none() {
            self.body(&item.block);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(block);
        }
    }

    // Constants are worked out before any number is chosen.
    fn visit_item_const(&mut self, _: &'a syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'a syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'a syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'a syn::TraitItemConst) {}
    fn visit_type_array(&mut self, _: &'a syn::TypeArray) {}
    fn visit_expr_const(&mut self, _: &'a syn::ExprConst) {}

    fn visit_expr_repeat(&mut self, repeat: &'a syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    fn visit_expr_binary(&mut self, binary: &'a syn::ExprBinary) {
        self.binary(binary);
    }

    fn visit_expr_unary(&mut self, unary: &'a syn::ExprUnary) {
        self.unary(unary);
    }

    fn visit_arm(&mut self, arm: &'a Arm) {
        self.arm(arm);
    }

    fn visit_expr_struct(&mut self, structure: &'a syn::ExprStruct) {
        let base = structure
            .rest
            .as_ref()
            .and_then(|base| base.span().source_text());
        self.bases.push(base);
        visit::visit_expr_struct(self, structure);
        self.bases.pop();
    }

    fn visit_field_value(&mut self, field: &'a syn::FieldValue) {
        self.field(field);
    }
}

fn on(number: usize) -> String {
    format!("crate::mutants::on({number})")
}

/// Whether `let` is part of the condition: such a chain can stand nowhere else.
fn has_let(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn is_assignment(operator: &BinOp) -> bool {
    let text = op_text(operator);
    text.ends_with('=') && !["==", "!=", "<=", ">="].contains(&text.as_str())
}

fn op_text(operator: &BinOp) -> String {
    operator.span().source_text().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::switch;
    use crate::mutants::edits::Switched;
    use crate::mutants::list::{Kind, Mutant};

    fn switched(source: &str, at: &str, kind: Kind, replacement: &str) -> Switched {
        let before = &source[..source.find(at).unwrap()];
        let line = before.split('\n').count();
        let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
        let mutant = Mutant {
            name: String::new(),
            file: "src/x.rs".into(),
            start: (line, column),
            kind,
            replacement: replacement.into(),
        };
        switch(source, &[(7, &mutant)]).unwrap()
    }

    #[test]
    fn each_kind_of_change_has_its_other_version_beside_it() {
        use Kind::{Arm, Binary, Body, Field, Guard, Unary};
        for (source, at, kind, replacement, expected) in [
            ("fn f() -> u8 { 5 }", "5", Body, "0", "return 0;"),
            (
                "fn f() { /* ö */ g(a.b < c) }",
                "<",
                Binary,
                "<=",
                "g((match (&(a.b ), &( c)) { (l, r) => if crate::mutants::on(7) { *l <= *r } else \
                 { *l < *r } }))",
            ),
            (
                "fn f() { a - b; }",
                "-",
                Binary,
                "+",
                "(match ((a ), ( b)) { (l, r) => if crate::mutants::on(7) { l + r } else \
                 { l - r } });",
            ),
            (
                "fn f() { a += b; }",
                "+=",
                Binary,
                "-=",
                "{ *l -= r } else { *l += r }",
            ),
            (
                "fn f() { a && b; }",
                "&&",
                Binary,
                "||",
                "(if (a ) != crate::mutants::on(7) { b} else { crate::mutants::on(7) });",
            ),
            (
                "fn f() { a || b; }",
                "||",
                Binary,
                "&&",
                "(if (a ) == crate::mutants::on(7) { b} else { !crate::mutants::on(7) });",
            ),
            (
                "fn f() { g(!a) }",
                "!",
                Unary,
                "",
                "if crate::mutants::on(7) { v } else { !v }",
            ),
            (
                "fn f() { match a { 0 => b, _ => c } }",
                "0",
                Arm,
                "",
                "0 if !crate::mutants::on(7) => b",
            ),
            (
                "fn f() { match a { 0 if d => b, _ => c } }",
                "0",
                Arm,
                "",
                "if !crate::mutants::on(7) && ( d) => b",
            ),
            (
                "fn f() { match a { x if x => b, _ => c } }",
                "x =>",
                Guard,
                "true",
                "if (crate::mutants::on(7) || ( x)) => b",
            ),
            (
                "fn f() { match a { x if x => b, _ => c } }",
                "x =>",
                Guard,
                "false",
                "if !crate::mutants::on(7) && ( x) => b",
            ),
            (
                "fn f() { S { a: 1, ..g() } }",
                "a: 1",
                Field,
                "",
                "a: if crate::mutants::on(7) { (g()).a } else { 1 }, ..g()",
            ),
            (
                "fn f() { S { a, ..g() } }",
                "a, ..",
                Field,
                "",
                "a: if crate::mutants::on(7) { (g()).a } else { a }, ..g()",
            ),
        ] {
            let switched = switched(source, at, kind, replacement);
            assert!(switched.text.contains(expected), "{}", switched.text);
            assert!(switched.within.contains(&7), "{source}");
        }
    }

    #[test]
    fn what_is_no_expression_of_its_own_stays_as_it_is() {
        for (source, at) in [
            ("const A: u8 = 1 + 2;", "+"),
            ("const fn f() -> u8 { 1 + 2 }", "+"),
            ("fn f() -> [u8; 1 + 2] { g() }", "+"),
            ("fn f() { [0; 1 + 2] }", "+"),
            ("fn f() { if a && let Some(b) = c {} }", "&&"),
        ] {
            let switched = switched(source, at, Kind::Binary, "-");
            assert_eq!(switched.text, source);
            assert!(switched.within.is_empty());
        }
    }

    #[test]
    fn a_compiler_s_error_is_blamed_on_the_smallest_change_around_it() {
        let source = "fn f() { match a { 0 => b < c, _ => d } }";
        let mutants =
            [("0", Kind::Arm, ""), ("<", Kind::Binary, ">")].map(|(at, kind, text)| Mutant {
                name: String::new(),
                file: "src/x.rs".into(),
                start: (1, source.find(at).unwrap() + 1),
                kind,
                replacement: text.into(),
            });
        let switched = switch(source, &[(0, &mutants[0]), (1, &mutants[1])]).unwrap();
        let blame = |text: &str| {
            let start = switched.text.find(text).unwrap();
            switched.to_blame(&(start..start + text.len()))
        };
        assert_eq!(blame("*l > *r"), [1]);
        assert_eq!(blame("b "), [1]);
        // An arm is missed where the match begins.
        assert_eq!(blame("match a"), [0]);
        assert_eq!(blame("fn f"), [0_usize; 0]);
    }
}
