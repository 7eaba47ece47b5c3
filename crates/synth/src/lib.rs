//! Named data-generating processes that return the truth beside the data.
