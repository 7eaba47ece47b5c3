//! What crosses a wire or a disk: events, requests, decision records, problem files, manifests, typed ids, error codes.
