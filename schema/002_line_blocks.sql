-- The way lines come in: one row a chunk, for one object a line would cost the writer more than all the rest.
-- Written by the writer (src/store/writer.ts); keeps nothing, line_blocks_to_lines (003) reads what is inserted.
CREATE TABLE IF NOT EXISTS line_blocks
(
    cluster LowCardinality(String) COMMENT 'as in lines',
    host LowCardinality(String) COMMENT 'as in lines',
    source LowCardinality(String) COMMENT 'as in lines',
    path LowCardinality(String) COMMENT 'as in lines',
    file_id LowCardinality(String) COMMENT 'as in lines',
    vm LowCardinality(String) COMMENT 'as in lines',
    offset UInt64 COMMENT 'bytes of the file before the chunk',
    line UInt64 COMMENT 'line breaks in the file before the chunk',
    observed_at DateTime64(3, 'UTC') COMMENT 'as in lines',
    steps Array(Int64) COMMENT 'one a line: ms from the time of the line before, of the first from observed_at',
    outcomes String COMMENT 'one letter a line: position in the list of line_blocks_to_lines, from a',
    text String COMMENT 'the bytes of the chunk without its last line break'
)
ENGINE = Null
COMMENT 'lines on their way in, a chunk a row; keeps nothing'
