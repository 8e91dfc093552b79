//! Compact columns: a million rows of a wide, mostly empty table must not cost a kilobyte each.
//!
//! A column that no row fills takes no memory. Strings that repeat are interned; strings that do not are kept
//! end to end in one buffer.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

/// An interned string. Equal words have equal numbers; `Word::EMPTY` is the empty string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(u32);

impl Word {
    pub const EMPTY: Self = Self(0);

    pub const fn index(self) -> usize {
        self.0 as usize
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The strings behind [`Word`]s, numbered in the order in which they were first seen.
///
/// The table holds numbers into the one buffer of texts: a column in which every row has its own word must not cost
/// an allocation a row, nor hold each text twice.
#[derive(Clone, Debug)]
pub struct Words {
    texts: Text,
    table: HashTable<Entry>,
}

/// Half of the hash beside the number: most words are told apart, and all are moved, without a look at the text.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    number: u32,
}

impl Default for Words {
    fn default() -> Self {
        let mut words = Self { texts: Text::default(), table: HashTable::new() };
        words.intern("");
        words
    }
}

impl Words {
    pub fn intern(&mut self, text: &str) -> Word {
        if let Some(word) = self.find(text) {
            return word;
        }
        let number = u32::try_from(self.texts.len()).expect("fewer than 2^32 distinct words");
        let hash = hash(text);
        self.texts.push(text);
        self.table.insert_unique(spread(hash), Entry { hash, number }, |entry| spread(entry.hash));
        Word(number)
    }

    pub fn get(&self, word: Word) -> &str {
        self.texts.get(word.index())
    }

    /// The word of `text`, if it was ever interned.
    pub fn find(&self, text: &str) -> Option<Word> {
        let hash = hash(text);
        let is_text = |entry: &Entry| entry.hash == hash && self.texts.get(entry.number as usize) == text;
        self.table.find(spread(hash), is_text).map(|entry| Word(entry.number))
    }

    /// How many distinct words there are, the empty one included.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }
}

fn hash(text: &str) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish() as u32
}

/// The table picks its groups by the low and tells entries apart by the high bits of 64.
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// One string per row, end to end in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Text {
    bytes: String,
    ends: Vec<usize>,
}

impl Text {
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// One optional value per row. Rows after the last set one need not be stored.
#[derive(Clone, Debug)]
pub struct Column<T> {
    values: Vec<T>,
    present: Vec<u64>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { values: Vec::new(), present: Vec::new() }
    }
}

impl<T: Copy + Default> Column<T> {
    /// Sets the value of `row`; rows in between stay empty.
    pub fn set(&mut self, row: usize, value: T) {
        if row >= self.values.len() {
            self.values.resize(row + 1, T::default());
            self.present.resize(row / 64 + 1, 0);
        }
        self.values[row] = value;
        self.present[row / 64] |= 1 << (row % 64);
    }

    pub fn get(&self, row: usize) -> Option<T> {
        let set = self.present.get(row / 64).is_some_and(|bits| bits >> (row % 64) & 1 == 1);
        set.then(|| self.values[row])
    }

    /// Whether no row has a value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many rows have a value.
    pub fn count(&self) -> usize {
        self.present.iter().map(|bits| bits.count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_remember_what_was_set_and_what_was_not() {
        let mut column = Column::default();
        assert!(column.is_empty());
        column.set(70, 5i64);
        column.set(3, 0);
        assert_eq!(
            (column.get(3), column.get(4), column.get(70), column.get(700)),
            (Some(0), None, Some(5), None)
        );
        assert_eq!(column.count(), 2);
    }

    #[test]
    fn words_are_numbered_once() {
        let mut words = Words::default();
        let a = words.intern("a");
        assert_eq!(words.intern("a"), a);
        assert_eq!(words.intern(""), Word::EMPTY);
        assert_eq!((words.get(a), words.find("b"), words.len()), ("a", None, 2));
    }

    #[test]
    fn many_words_keep_their_numbers() {
        let mut words = Words::default();
        for round in 0..2 {
            for i in 0..5_000u32 {
                assert_eq!(words.intern(&format!("w{i}")).0, i + 1, "round {round}");
            }
        }
        assert_eq!(words.len(), 5_001);
        assert_eq!(words.find("w4999").map(|w| words.get(w)), Some("w4999"));
    }
}
