//! ES modules in one script: each becomes a function that returns what it exports.
//!
//! This is no bundler. It knows the few forms that the sources of this page and wasm-bindgen use,
//! and stops at any other.

use std::collections::BTreeMap;

/// One script of all modules that `entry` needs, dependencies first. Those in `beside` stay files of
/// their own, which the script imports.
pub(crate) fn combine(
    entry: &str,
    modules: &BTreeMap<String, String>,
    beside: &[&str],
) -> Result<String, String> {
    let mut done = Vec::new();
    let mut script = String::from("\"use strict\";\n");
    for name in beside {
        script.push_str(&format!(
            "import * as {} from \"./{name}\";\n",
            variable(name)
        ));
        done.push((*name).to_owned());
    }
    add(entry, modules, &mut Vec::new(), &mut done, &mut script)?;
    Ok(script)
}

fn add(
    name: &str,
    modules: &BTreeMap<String, String>,
    open: &mut Vec<String>,
    done: &mut Vec<String>,
    script: &mut String,
) -> Result<(), String> {
    if done.iter().any(|other| other == name) {
        return Ok(());
    }
    if open.iter().any(|other| other == name) {
        return Err(format!(
            "{name} imports itself, by way of {}",
            open.join(", ")
        ));
    }
    open.push(name.to_owned());
    let source = modules
        .get(name)
        .ok_or_else(|| format!("there is no module {name}"))?;
    let module = Module::read(name, source)?;
    for (_, from) in &module.imports {
        add(from, modules, open, done, script)?;
    }
    let imports = module
        .imports
        .iter()
        .map(|(names, from)| format!("const {{{names}}} = {};\n", variable(from)));
    script.push_str(&format!(
        "const {} = (() => {{\n{}{}return {{{}}};\n}})();\n",
        variable(name),
        imports.collect::<String>(),
        module.body,
        module.exports.join(", "),
    ));
    open.pop();
    done.push(name.to_owned());
    Ok(())
}

/// The variable that stands for a module.
fn variable(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("module_{}", name.chars().map(plain).collect::<String>())
}

struct Module {
    /// Names, and the module that they come from.
    imports: Vec<(String, String)>,
    /// As members of an object.
    exports: Vec<String>,
    body: String,
}

impl Module {
    fn read(name: &str, source: &str) -> Result<Self, String> {
        let mut module = Self {
            imports: Vec::new(),
            exports: Vec::new(),
            body: String::new(),
        };
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            if line.starts_with("import ") {
                let mut statement = line.to_owned();
                while !statement.contains(';') {
                    let next = lines.next();
                    statement.push_str(next.ok_or_else(|| wrong(name, line))?);
                }
                module
                    .imports
                    .push(import(&statement).ok_or_else(|| wrong(name, line))?);
            } else if let Some(list) = line.strip_prefix("export {") {
                let list = list.split('}').next().ok_or_else(|| wrong(name, line))?;
                for item in list
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                {
                    match item.split_once(" as ") {
                        // Nothing here imports a default.
                        Some((_, "default")) => {}
                        Some((own, other)) => module.exports.push(format!("{other}: {own}")),
                        None => module.exports.push(item.to_owned()),
                    }
                }
            } else if let Some(declaration) = line.strip_prefix("export ") {
                let declared = declared(declaration).ok_or_else(|| wrong(name, line))?;
                module.exports.push(declared);
                module.push(declaration);
            } else {
                module.push(line);
            }
        }
        Ok(module)
    }

    fn push(&mut self, line: &str) {
        self.body.push_str(line);
        self.body.push('\n');
    }
}

/// `import { a, b } from "./c.js";`
fn import(statement: &str) -> Option<(String, String)> {
    let rest = statement.strip_prefix("import {")?;
    let (names, rest) = rest.split_once('}')?;
    let from = rest.trim().strip_prefix("from \"./")?.strip_suffix("\";")?;
    (!names.contains(" as ")).then(|| (names.to_owned(), from.to_owned()))
}

/// The name in `function f(…`, `async function f(…`, `class C {`, `const c = `.
fn declared(declaration: &str) -> Option<String> {
    let rest = declaration.strip_prefix("async ").unwrap_or(declaration);
    let rest = ["function ", "class ", "const "]
        .into_iter()
        .find_map(|keyword| rest.strip_prefix(keyword))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$')?;
    rest.get(..end).map(str::to_owned)
}

fn wrong(name: &str, line: &str) -> String {
    format!("{name}: this form of import or export is not known here: {line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        list.iter().map(owned).collect()
    }

    #[test]
    fn dependencies_come_first_and_once() {
        let all = modules(&[
            (
                "a.js",
                "import { b } from \"./b.js\";\nimport {\n  c,\n} from \"./c.js\";\nb(c);\n",
            ),
            (
                "b.js",
                "import { c } from \"./c.js\";\nexport const b = (x) => x;\nexport async function d() {}\n",
            ),
            (
                "c.js",
                "const c = 1;\nexport { c, c as default, c as e };\n",
            ),
        ]);
        let script = combine("a.js", &all, &[]).unwrap();
        let place = |text: &str| {
            script
                .find(text)
                .unwrap_or_else(|| panic!("{text}: {script}"))
        };
        assert!(place("const module_c_js") < place("const module_b_js"));
        assert!(place("const module_b_js") < place("const module_a_js"));
        assert_eq!(script.matches("const module_c_js").count(), 1);
        assert!(script.contains("return {c, e: c};") && script.contains("return {b, d};"));
        assert!(!script.contains("import ") && !script.contains("export "));
    }

    #[test]
    fn what_stays_beside_is_imported() {
        let all = modules(&[("a.js", "import { b } from \"./b.js\";\nb();\n")]);
        let script = combine("a.js", &all, &["b.js"]).unwrap();
        assert!(script.contains("import * as module_b_js from \"./b.js\";\n"));
        assert!(script.contains("const { b } = module_b_js;"), "{script}");
    }

    #[test]
    fn stops_at_what_it_does_not_know() {
        for source in [
            "import a from \"./b.js\";",
            "import { a } from \"https://example.com/b.js\";",
            "import { a as b } from \"./b.js\";",
            "export default 1;",
            "export let a = 1;",
            "import { a } from \"./a.js\";",
            "import { a } from \"./missing.js\";",
        ] {
            let all = modules(&[("a.js", source), ("b.js", "")]);
            assert!(combine("a.js", &all, &[]).is_err(), "{source}");
        }
    }
}
