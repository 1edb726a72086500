//! Files: the heap snapshot as a folder of Parquet tables.
