//! Text that is put between the tokens of another text, and whose mutants it belongs to.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::ops::Range;

/// A source text with mutants in it.
#[derive(Debug)]
pub(crate) struct Switched {
    /// The text.
    pub(crate) text: String,
    /// The mutants in it, by their numbers.
    pub(crate) within: HashSet<usize>,
    /// The bytes that came with one or several mutants: for a compiler's complaints.
    places: Vec<(Range<usize>, Vec<usize>)>,
}

impl Switched {
    /// The mutants to blame for an error in these bytes: those of the smallest place around it.
    pub(crate) fn to_blame(&self, error: &Range<usize>) -> &[usize] {
        let around = |place: &&(Range<usize>, Vec<usize>)| {
            place.0.start <= error.start && error.end <= place.0.end
        };
        let places = self.places.iter().filter(around);
        let smallest = places.min_by_key(|(place, _)| place.len());
        smallest.map_or(&[], |(_, mutants)| mutants)
    }
}

/// Some text, and the mutant that it is the other version of.
pub(crate) type Piece = (String, Option<usize>);

/// What is put into a text, in the order in which its syntax is visited.
#[derive(Default)]
pub(crate) struct Edits(Vec<Edit>);

/// Text to be put in place of some bytes, of none for the most part.
struct Edit {
    bytes: Range<usize>,
    pieces: Vec<Piece>,
    /// Whether it ends a site that another edit began: that edit's index.
    ends: Option<usize>,
}

impl Edits {
    /// Text in place of these bytes: its index.
    pub(crate) fn replace(&mut self, bytes: Range<usize>, pieces: Vec<Piece>) -> usize {
        self.0.push(Edit {
            bytes,
            pieces,
            ends: None,
        });
        self.0.len() - 1
    }

    /// Text behind what began with the edit of this index; what is within was visited between the two.
    pub(crate) fn close(&mut self, opened: usize, at: usize, pieces: Vec<Piece>) {
        self.0.push(Edit {
            bytes: at..at,
            pieces,
            ends: Some(opened),
        });
    }

    /// The text with all edits in it.
    pub(crate) fn apply(mut self, source: &str) -> Switched {
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        // What ends at a byte comes before what begins there; ends were pushed from within.
        order.sort_by_key(|&index| {
            let edit = self.0.get(index);
            edit.map(|edit| (edit.bytes.start, edit.ends.is_none(), index))
        });
        let mut switched = Switched {
            text: String::new(),
            within: HashSet::new(),
            places: Vec::new(),
        };
        let mut began: HashMap<usize, (usize, Vec<usize>)> = HashMap::new();
        let mut copied = 0;
        for index in order {
            let Some(edit) = self.0.get_mut(index) else {
                continue;
            };
            switched.text += source.get(copied..edit.bytes.start).unwrap_or_default();
            copied = edit.bytes.end;
            let start = switched.text.len();
            let mut own = Vec::new();
            for (text, mutant) in mem::take(&mut edit.pieces) {
                let from = switched.text.len();
                switched.text += &text;
                if let Some(number) = mutant {
                    own.push(number);
                    if !text.is_empty() {
                        switched
                            .places
                            .push((from..switched.text.len(), vec![number]));
                        switched.within.insert(number);
                    }
                }
            }
            match edit.ends {
                None => {
                    switched
                        .places
                        .push((start..switched.text.len(), own.clone()));
                    began.insert(index, (start, own));
                }
                Some(opened) => {
                    let (start, mut all) = began.remove(&opened).unwrap_or((start, Vec::new()));
                    all.extend(own);
                    switched.places.push((start..switched.text.len(), all));
                }
            }
        }
        switched.text += source.get(copied..).unwrap_or_default();
        switched.places.retain(|(_, mutants)| !mutants.is_empty());
        switched
    }
}
