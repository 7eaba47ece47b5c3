//! Topic names and headers, the same on every backend.

/// Product events in, key = `user_id`.
pub const USER_EVENTS: &str = "user_events";
/// Decision records out, key = `user_id`.
pub const CAUSAL_DECISIONS: &str = "causal_decisions";

/// The dead-letter topic of one consumer group on one topic.
pub fn dead_letters(topic: &str, group: &str) -> String {
    format!("{topic}.{group}.dlq")
}

/// CloudEvents binary-mode headers of an event record.
pub mod headers {
    /// CloudEvents version, always `1.0`.
    pub const SPEC_VERSION: &str = "ce_specversion";
    /// The event id.
    pub const ID: &str = "ce_id";
    /// The event type.
    pub const TYPE: &str = "ce_type";
    /// Who produced it.
    pub const SOURCE: &str = "ce_source";
    /// When it happened, RFC 3339.
    pub const TIME: &str = "ce_time";
    /// Version of our payload schema; unknown versions are refused.
    pub const SCHEMA: &str = "ce_schemaversion";
    /// Dead letters: a stable code for why.
    pub const REASON: &str = "ceteris_reason";
    /// Dead letters: the sentence for people.
    pub const DETAIL: &str = "ceteris_detail";
    /// Dead letters: `topic/partition/offset` of the record refused.
    pub const ORIGIN: &str = "ceteris_origin";
}
