//! Events and decisions as Delta tables, datasets as Parquet files, over object storage.
