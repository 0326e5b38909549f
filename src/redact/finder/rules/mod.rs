//! The secret patterns: a table of token formats for each field.
//!
//! A format that is known by its form alone belongs here; a key that has no form of its own belongs to `vendors`. How a
//! rule reads is told in `token`, how a shape is written in `notation`.

mod ai;
mod chat;
mod cloud;
mod code;
mod database;
mod identity;
mod keys;
mod mail;
mod monitoring;
mod network;
mod payment;
mod services;
mod urls;

use super::token::Rule;

/// All tables.
pub(super) const FIELDS: &[&[Rule]] = &[
    ai::RULES,
    chat::RULES,
    cloud::RULES,
    code::RULES,
    database::RULES,
    identity::RULES,
    keys::RULES,
    mail::RULES,
    monitoring::RULES,
    network::RULES,
    payment::RULES,
    services::RULES,
    urls::RULES,
];
