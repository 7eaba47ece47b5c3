"""Reads both tables of the lake with Polars and with deltalake and prints what each saw as JSON."""

import json
import os

import polars
from deltalake import DeltaTable

options = {
    "AWS_ENDPOINT_URL": os.environ["CETERIS__STORAGE__ENDPOINT"],
    "AWS_REGION": os.environ["CETERIS__STORAGE__REGION"],
    "AWS_ACCESS_KEY_ID": os.environ["CETERIS__STORAGE__ACCESS_KEY_ID"],
    "AWS_SECRET_ACCESS_KEY": os.environ["CETERIS__STORAGE__SECRET_ACCESS_KEY"],
    "AWS_ALLOW_HTTP": "true",
}
seen = {}
for name in ["events", "decisions"]:
    url = f"{os.environ['CETERIS__STORAGE__URL']}/lake/{name}"
    table = DeltaTable(url, storage_options=options)
    scan = polars.scan_delta(url, storage_options=options)
    frame = scan.select(
        polars.len().alias("rows"),
        polars.struct("log_partition", "log_offset").n_unique().alias("places"),
    ).collect()
    seen[name] = {
        "version": table.version(),
        "files": len(table.file_uris()),
        "rows": frame["rows"][0],
        "places": frame["places"][0],
        "counted": sum(table.get_add_actions(flatten=True)["num_records"].to_pylist()),
    }
print(json.dumps(seen))
