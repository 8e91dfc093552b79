//! Damage to files, of kinds that parsers meet: bytes, pieces, and values of a document.
//!
//! A mutant is a function of (corpus, seed, number), so that a finding can be made again.

use serde_json::Value;

/// Texts that have broken parsers before.
const TOKENS: [&str; 34] = [
    "NaN",
    "\"NaN\"",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "1e-400",
    "-0",
    "-1",
    "0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "0.1e1",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\u{FEFF}",
    "\u{202E}",
    "\0",
    "\r\n",
    "\"",
    "'",
    ",",
    ";",
    "2024-02-30T25:61:61Z",
    "9999-12-31T23:59:59Z",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

/// A stream of numbers by SplitMix64: small, and the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64, number: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xbf58_476d_1ce4_e5b9))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `limit`, which is more than 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// One damaged copy of `content`; pieces of `other` may get into it.
pub fn mutant(content: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    // A value of a document is damaged while the rest stays well formed: that gets past the parser.
    if random.below(2) == 0
        && let Ok(mut document) = serde_json::from_slice::<Value>(content)
    {
        for _ in 0..=random.below(3) {
            damage(&mut document, random);
        }
        return serde_json::to_vec(&document).unwrap_or_default();
    }
    let mut bytes = content.to_vec();
    for _ in 0..=random.below(4) {
        damage_bytes(&mut bytes, other, random);
    }
    bytes
}

fn damage_bytes(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    if bytes.is_empty() {
        bytes.extend_from_slice(TOKENS[random.below(TOKENS.len())].as_bytes());
        return;
    }
    let at = random.below(bytes.len());
    let piece = |random: &mut Random, length: usize| {
        let from = random.below(length);
        from..(from + 1 + random.below(64)).min(length)
    };
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(piece(random, bytes.len()))),
        4 => {
            let copy = bytes[piece(random, bytes.len())].to_vec();
            bytes.splice(at..at, copy);
        }
        5 if !other.is_empty() => {
            let copy = other[piece(random, other.len())].to_vec();
            bytes.splice(at..at, copy);
        }
        6 => {
            // A number or word is replaced as a whole.
            let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._:".contains(byte);
            let start = bytes[..at].iter().rposition(|byte| !is_word(byte)).map_or(0, |i| i + 1);
            let end = bytes[at..].iter().position(|byte| !is_word(byte)).map_or(bytes.len(), |i| at + i);
            let token = TOKENS[random.below(TOKENS.len())].as_bytes();
            bytes.splice(start..end.max(start), token.iter().copied());
        }
        7 => {
            // A line twice, or one that is gone.
            let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |i| i + 1);
            let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |i| at + i + 1);
            let line = bytes[start..end].to_vec();
            if random.below(2) == 0 {
                drop(bytes.drain(start..end));
            } else {
                drop(bytes.splice(end..end, line));
            }
        }
        _ => {
            let token = TOKENS[random.below(TOKENS.len())].as_bytes();
            bytes.splice(at..at, token.iter().copied());
        }
    }
}

fn damage(value: &mut Value, random: &mut Random) {
    let children = match value {
        Value::Array(list) => list.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    };
    if children > 0 && random.below(8) != 0 {
        let index = random.below(children);
        let child = match value {
            Value::Array(list) => list.get_mut(index),
            Value::Object(map) => map.values_mut().nth(index),
            _ => None,
        };
        if let Some(child) = child {
            return damage(child, random);
        }
    }
    match (random.below(6), &mut *value) {
        (0, Value::Array(list)) if !list.is_empty() => drop(list.remove(random.below(list.len()))),
        (1, Value::Array(list)) if !list.is_empty() => {
            let copy = list[random.below(list.len())].clone();
            list.push(copy);
        }
        (2, Value::Array(list)) if list.len() > 1 => {
            let (a, b) = (random.below(list.len()), random.below(list.len()));
            list.swap(a, b);
        }
        (0, Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(random.below(map.len())).cloned().unwrap_or_default();
            map.remove(&key);
        }
        (1, Value::Object(map)) if map.len() > 1 => {
            // One field gets the value of another.
            let from = map.values().nth(random.below(map.len())).cloned().unwrap_or_default();
            let to = map.keys().nth(random.below(map.len())).cloned().unwrap_or_default();
            map.insert(to, from);
        }
        (2, _) => *value = Value::Array(vec![value.take()]),
        (3, Value::Number(number)) => {
            let near = number.as_i64().unwrap_or(1).wrapping_add(random.below(5) as i64 - 2);
            *value = [Value::from(near), Value::from(near.wrapping_neg()), Value::from(number.to_string())]
                [random.below(3)]
            .clone();
        }
        _ => {
            let token = TOKENS[random.below(TOKENS.len())];
            *value = serde_json::from_str(token).unwrap_or_else(|_| Value::from(token));
        }
    }
}
