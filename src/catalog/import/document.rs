//! One JSON document, read as it streams by: its top-level keys say what it is.
//!
//! Offer files of EC2 have several gigabytes, so nothing is kept but what a snapshot needs. Keys may come in any
//! order; a file whose terms come before its products is read twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::offers::{Listing, Products, Terms};
use super::product::Product;
use super::refused::Reason;
use super::spot_advisor::Advice;
use super::{Format, Sink, instance_type, savings_plans, spot_advisor, spot_history};

/// Keys of documents that are kept to say why a file is none of the formats.
const KEYS_SHOWN: usize = 8;

/// What is known of a file while it is read.
pub(super) struct Reading<'f> {
    pub sink: Sink<'f>,
    pub formats: BTreeSet<Format>,
    /// The first top-level keys that say nothing.
    pub other_keys: BTreeSet<String>,
    /// How many documents there were so far.
    pub documents: usize,
    /// Whether the file is read a second time, for the terms of `again` alone.
    pub second: bool,
    /// Documents whose terms came before their products.
    pub again: BTreeMap<usize, Listing>,
}

impl<'f> Reading<'f> {
    pub fn new(sink: Sink<'f>) -> Self {
        Self {
            sink,
            formats: BTreeSet::new(),
            other_keys: BTreeSet::new(),
            documents: 0,
            second: false,
            again: BTreeMap::new(),
        }
    }

    /// Before the second pass.
    pub fn rewind(&mut self) {
        self.documents = 0;
        self.second = true;
        for listing in self.again.values_mut() {
            listing.read_again = false;
        }
    }

    fn is(&mut self, format: Format) {
        self.formats.insert(format);
    }
}

/// A document; a list of documents; or a text that is one, as GetProducts wraps products.
pub(super) struct Document<'r, 'f>(pub &'r mut Reading<'f>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object, as AWS answers")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let mut inner = serde_json::Deserializer::from_str(text);
        let result = Document(self.0).deserialize(&mut inner).and_then(|()| inner.end());
        result.map_err(|error| E::custom(format!("in the JSON inside of this string: {error}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Document(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.0;
        let number = reading.documents;
        reading.documents += 1;
        let mut listing = if reading.second {
            reading.again.remove(&number).unwrap_or_default()
        } else {
            Listing::default()
        };
        let mut ranges: Option<Vec<spot_advisor::Range>> = None;
        while let Some(key) = map.next_key::<String>()? {
            let first = !reading.second;
            match key.as_str() {
                "terms" => {
                    let sink = &mut reading.sink;
                    map.next_value_seed(Terms { listing: &mut listing, sink, counting: first })?;
                }
                "PriceList" => {
                    reading.is(Format::PriceListProducts);
                    map.next_value_seed(Entries(reading))?;
                }
                "products" if first => {
                    reading.is(Format::PriceListOffers);
                    map.next_value_seed(Products { listing: &mut listing, sink: &mut reading.sink })?;
                }
                "product" if first => {
                    reading.is(Format::PriceListProducts);
                    let product: Product = map.next_value()?;
                    let sku = product.sku.clone().unwrap_or_default();
                    listing.product(sku, &product, &mut reading.sink);
                }
                "publicationDate" if first => listing.published = map.next_value()?,
                "version" if first => listing.version = map.next_value::<Loose>()?.0,
                "SpotPriceHistory" if first => {
                    reading.is(Format::SpotPriceHistory);
                    let sink = &mut reading.sink;
                    map.next_value_seed(each(|price| spot_history::json(&price, sink)))?;
                }
                "InstanceTypes" if first => {
                    reading.is(Format::InstanceTypes);
                    let sink = &mut reading.sink;
                    map.next_value_seed(each(|kind| instance_type::json(&kind, sink)))?;
                }
                "searchResults" if first => {
                    reading.is(Format::SavingsPlanRates);
                    let sink = &mut reading.sink;
                    map.next_value_seed(each(|rate| savings_plans::json(&rate, sink)))?;
                }
                "spot_advisor" if first => {
                    reading.is(Format::SpotAdvisor);
                    let advice: Advice = map.next_value()?;
                    spot_advisor::json(advice, &mut reading.sink);
                }
                "ranges" if first => ranges = Some(map.next_value()?),
                _ => {
                    if first && reading.other_keys.len() < KEYS_SHOWN {
                        reading.other_keys.insert(key);
                    }
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let (Some(ranges), true) = (&ranges, reading.formats.contains(&Format::SpotAdvisor)) {
            spot_advisor::check(ranges).map_err(A::Error::custom)?;
        }
        if !listing.is_empty()
            && let Some(listing) = listing.finish(&mut reading.sink)
        {
            reading.again.insert(number, listing);
        }
        Ok(())
    }
}

/// A text, or whatever else, which is then nothing.
struct Loose(Option<String>);

impl<'de> serde::Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(value.as_str().map(str::to_owned)))
    }
}

/// The list of GetProducts: products, each in a text or as it is.
struct Entries<'r, 'f>(&'r mut Reading<'f>);

impl<'de> DeserializeSeed<'de> for Entries<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of products")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            let before = self.0.sink.outcome().rows;
            let (first, pending) = (!self.0.second, self.0.again.len());
            if list.next_element_seed(Document(self.0))?.is_none() {
                return Ok(());
            }
            // An entry without a product is a row nevertheless.
            if first && self.0.sink.outcome().rows == before && self.0.again.len() == pending {
                self.0.sink.refuse(Reason::Incomplete);
            }
        }
    }
}

/// Hands each element of a list to `take`, one at a time.
fn each<T, F: FnMut(T)>(take: F) -> Each<T, F> {
    Each { take, element: PhantomData }
}

struct Each<T, F> {
    take: F,
    element: PhantomData<T>,
}

impl<'de, T: DeserializeOwned, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element()? {
            (self.take)(element);
        }
        Ok(())
    }
}
