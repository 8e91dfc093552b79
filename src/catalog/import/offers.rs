//! The products of a price list and the terms under which they are sold, put together.
//!
//! Offer files have the products in one part and the terms in another, in either order; answers of GetProducts have
//! both of one product together. An offer names its product (`sku`), so one reader of terms serves both.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::product::{GIBPS_MONTH, Product, Wanted};
use super::refused::Reason;
use super::{Sink, price};
use crate::catalog::PriceDate;
use crate::catalog::optional::{day_of, parse_time};
use crate::units::{Rate, Time};

/// Offers that come before their products are kept up to this many; if there are more, the file is read again.
const EARLY: usize = 1_000;

/// One document of a price list.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub published: Option<String>,
    pub version: Option<String>,
    /// By SKU, and what is offered of it.
    wanted: BTreeMap<String, (Wanted, Vec<Offer>)>,
    early: Vec<Offer>,
    has_products: bool,
    has_terms: bool,
    /// Whether offers were dropped because their products were not known yet.
    pub read_again: bool,
}

/// A price of a product on demand.
#[derive(Debug, Default)]
struct Offer {
    sku: Option<String>,
    effective: Option<String>,
    dimensions: Vec<Dimension>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Dimension {
    unit: Option<String>,
    begin_range: Option<String>,
    price_per_unit: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct TermAttributes {
    lease_contract_length: Option<String>,
}

impl Listing {
    /// Whether there was anything of a price list.
    pub fn is_empty(&self) -> bool {
        !self.has_products && !self.has_terms
    }

    pub fn product(&mut self, sku: String, product: &Product, sink: &mut Sink) {
        self.has_products = true;
        match product.classify() {
            Ok(_) if self.wanted.contains_key(&sku) => sink.refuse(Reason::SameSku),
            Ok(wanted) => drop(self.wanted.insert(sku, (wanted, Vec::new()))),
            Err(reason) => sink.refuse(reason),
        }
    }

    fn offer(&mut self, offer: Offer) {
        let sku = offer.sku.as_deref().unwrap_or("");
        match self.wanted.get_mut(sku) {
            Some((_, offers)) => offers.push(offer),
            None if self.has_products => {}
            None if self.early.len() < EARLY => self.early.push(offer),
            None => self.read_again = true,
        }
    }

    /// Hands on what was found, unless the file must be read again for the rest of it.
    pub fn finish(mut self, sink: &mut Sink) -> Option<Self> {
        for offer in std::mem::take(&mut self.early) {
            // All of them are found again if some were dropped.
            if !self.read_again {
                self.offer(offer);
            }
        }
        if self.read_again && !self.wanted.is_empty() {
            return Some(self);
        }
        let published = self.published.as_deref().and_then(parse_time);
        let version = self.version.as_deref().and_then(version_day);
        for (wanted, offers) in self.wanted.into_values() {
            match current(&wanted, &offers, published) {
                Ok((rate, effective)) => {
                    sink.price(wanted.key, rate, effective, published.map(day_of).or(version));
                }
                Err(reason) => sink.refuse(reason),
            }
        }
        None
    }
}

/// `20221208174824` is of 2022-12-08.
fn version_day(version: &str) -> Option<PriceDate> {
    let part = |from: usize, to: usize| version.get(from..to);
    PriceDate::parse(&format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?))
}

/// The price in effect at publication: of the latest offer, and of its first tier.
fn current(
    wanted: &Wanted,
    offers: &[Offer],
    published: Option<Time>,
) -> Result<(Rate, Option<Time>), Reason> {
    let dated = offers.iter().map(|offer| (offer.effective.as_deref().and_then(parse_time), offer));
    let begun = |effective: Option<Time>| effective.is_none_or(|at| published.is_none_or(|now| at <= now));
    let mut begun: Vec<_> = dated.filter(|(effective, _)| begun(*effective)).collect();
    begun.sort_by_key(|(effective, _)| *effective);
    let Some((effective, offer)) = begun.pop() else {
        return Err(if offers.is_empty() { Reason::NoOnDemandTerm } else { Reason::NotYet });
    };
    if begun.iter().any(|(other, same)| *other == effective && same.dimensions != offer.dimensions) {
        return Err(Reason::TwoPrices);
    }
    let first = |d: &&Dimension| {
        let begin = d.begin_range.as_deref().unwrap_or("0");
        begin.bytes().all(|b| matches!(b, b'0' | b'.'))
    };
    let dimension = offer.dimensions.iter().find(first).ok_or(Reason::NoOnDemandTerm)?;
    let usd = dimension.price_per_unit.get("USD").ok_or(Reason::Currency)?;
    let unit = dimension.unit.as_deref().unwrap_or("").to_ascii_lowercase();
    if !wanted.units.contains(&unit.as_str()) {
        return Err(Reason::Unit);
    }
    let rate = price(usd)?;
    Ok((if unit == GIBPS_MONTH { rate.scaled(1, 1_024) } else { rate }, effective))
}

/// Reads `products` of an offer file: by SKU.
pub(super) struct Products<'a, 'f> {
    pub listing: &'a mut Listing,
    pub sink: &'a mut Sink<'f>,
}

impl<'de> DeserializeSeed<'de> for Products<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Products<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("products by SKU, as an offer file of the Price List has them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.listing.has_products = true;
        while let Some((sku, product)) = map.next_entry::<String, Product>()? {
            self.listing.product(sku, &product, self.sink);
        }
        Ok(())
    }
}

/// Reads `terms`: `OnDemand` and others, with offers at any depth below.
pub(super) struct Terms<'a, 'f> {
    pub listing: &'a mut Listing,
    pub sink: &'a mut Sink<'f>,
    /// Whether rows are counted: not when the file is read again.
    pub counting: bool,
}

impl<'de> DeserializeSeed<'de> for Terms<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Terms<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("the terms of a price list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.listing.has_terms = true;
        while let Some(group) = map.next_key::<String>()? {
            let mut reserved = 0;
            let listing = (group == "OnDemand").then_some(&mut *self.listing);
            map.next_value_seed(Offers { listing, reserved: &mut reserved })?;
            if self.counting {
                self.sink.refuse_some(Reason::ReservedTerm, reserved);
            }
        }
        Ok(())
    }
}

/// A map of offers, or of such maps; or an offer itself, which is what has price dimensions.
struct Offers<'a> {
    /// Where on-demand offers go; `None` if those below are of another kind.
    listing: Option<&'a mut Listing>,
    /// Counts the offers of another kind.
    reserved: &'a mut u64,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum OfferField {
    Sku,
    EffectiveDate,
    PriceDimensions,
    TermAttributes,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for Offers<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Offers<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("offers by product, as a price list of on-demand prices has them")
    }

    /// `offerTermCode` of an offer, for one.
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    /// The groups of a Savings Plan's price list are lists.
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(serde::de::Error::custom(
            "this looks like a Savings Plan price list, which is not read; import the answer of \
            describe-savings-plans-offering-rates instead",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut offer = Offer::default();
        let (mut is_offer, mut is_lease) = (false, self.listing.is_none());
        while let Some(field) = map.next_key()? {
            match field {
                OfferField::Sku => offer.sku = map.next_value()?,
                OfferField::EffectiveDate => offer.effective = map.next_value()?,
                OfferField::PriceDimensions => {
                    is_offer = true;
                    if self.listing.is_some() {
                        let dimensions: BTreeMap<String, Dimension> = map.next_value()?;
                        offer.dimensions = dimensions.into_values().collect();
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                OfferField::TermAttributes => {
                    let attributes: TermAttributes = map.next_value()?;
                    is_lease |= attributes.lease_contract_length.is_some();
                }
                OfferField::Other => {
                    let listing = self.listing.as_deref_mut();
                    map.next_value_seed(Offers { listing, reserved: self.reserved })?;
                }
            }
        }
        match self.listing {
            _ if !is_offer => {}
            Some(listing) if !is_lease => listing.offer(offer),
            _ => *self.reserved += 1,
        }
        Ok(())
    }
}
