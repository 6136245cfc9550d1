"""Import of files from other programs: detect the format, choose the columns, write the clean tables."""
