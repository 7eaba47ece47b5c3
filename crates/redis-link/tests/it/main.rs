//! A connection to Redis through good and bad weather.

mod link;
