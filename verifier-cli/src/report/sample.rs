//! A sample that anybody can draw again.
//!
//! ```text
//! SHA-256("cosignet.sample/v1" ‖ seed, 8 bytes big-endian ‖ SHA-256 of the file)
//! ```
//!
//! The approvals with the smallest of these hashes are drawn. Neither names nor the order of files
//! have a say in it.

use verifier_core::hazmat::encoding::sha256;

use super::row::Row;

/// Places in `rows`, in the order in which they were drawn: VERIFIED ones that repeat no other.
pub(super) fn draw(rows: &[Row], count: usize, seed: u64) -> Vec<usize> {
    let place = |(index, row): (usize, &Row)| {
        let hash = row
            .sha256
            .filter(|_| row.is_verified() && row.repeats.is_none())?;
        let ticket = [b"cosignet.sample/v1", &seed.to_be_bytes()[..], &hash].concat();
        Some((sha256(&ticket), index))
    };
    let mut tickets: Vec<_> = rows.iter().enumerate().filter_map(place).collect();
    tickets.sort_unstable();
    tickets.truncate(count);
    tickets.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |byte| Row {
            verdict: "VERIFIED",
            sha256: Some([byte; 32]),
            ..Row::default()
        };
        (0..50).map(row).collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_in_any_order() {
        let rows = rows();
        let hashes = |rows: &[Row], drawn: Vec<usize>| -> Vec<_> {
            drawn.into_iter().map(|index| rows[index].sha256).collect()
        };
        let drawn = hashes(&rows, draw(&rows, 5, 7));
        let mut turned = rows.clone();
        turned.reverse();
        assert_eq!(hashes(&turned, draw(&turned, 5, 7)), drawn);
        assert_ne!(hashes(&rows, draw(&rows, 5, 8)), drawn);
        assert_eq!(draw(&rows, 99, 7).len(), 50);
    }

    #[test]
    fn neither_failures_nor_copies_are_drawn() {
        let mut rows = rows();
        rows[3].verdict = "REJECTED";
        rows[4].repeats = Some(("a".into(), "file"));
        let drawn = draw(&rows, 99, 7);
        assert!(drawn.len() == 48 && !drawn.contains(&3) && !drawn.contains(&4));
    }
}
