//! Checksummed segment files with one writer; a torn tail is cut when they are opened.
