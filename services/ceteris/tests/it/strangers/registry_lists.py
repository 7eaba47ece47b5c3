"""Lists the registry with boto3, reads the manifest of a version, and prints both as JSON."""

import json
import os
import sys

import boto3

version = sys.argv[1]
s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["CETERIS__STORAGE__ENDPOINT"],
    region_name=os.environ["CETERIS__STORAGE__REGION"],
    aws_access_key_id=os.environ["CETERIS__STORAGE__ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["CETERIS__STORAGE__SECRET_ACCESS_KEY"],
)
bucket = os.environ["CETERIS__STORAGE__URL"].removeprefix("s3://")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="registry/")
keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
body = s3.get_object(Bucket=bucket, Key=f"registry/versions/{version}/manifest.json")["Body"].read()
print(json.dumps({"keys": keys, "manifest": json.loads(body)}))
