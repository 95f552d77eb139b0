-- Splits chunks into lines as they are inserted. Offsets follow from the lengths of the lines, in bytes; times from their steps.
-- The list of outcomes is LINE_OUTCOMES of src/store/chunk-rows.ts, in its order; a test compares them.
CREATE MATERIALIZED VIEW IF NOT EXISTS line_blocks_to_lines TO lines AS
SELECT
    cluster,
    host,
    source,
    path,
    file_id,
    vm,
    chunk_offset + begin AS offset,
    chunk_line + number AS line,
    fromUnixTimestamp64Milli(toUnixTimestamp64Milli(observed_at) + since, 'UTC') AS at,
    observed_at,
    ['continued', 'plain', 'events', 'no-header', 'too-long', 'bad-time', 'bad-json', 'bad-shape'][reinterpretAsUInt8(letter) - 96] AS outcome,
    line_text AS text
FROM
(
    SELECT
        cluster,
        host,
        source,
        path,
        file_id,
        vm,
        offset AS chunk_offset,
        line AS chunk_line,
        observed_at,
        steps,
        ngrams(outcomes, 1) AS letters,
        splitByChar('\n', line_blocks.text) AS texts,
        arrayMap(each -> toUInt64(length(each) + 1), texts) AS sizes
    FROM line_blocks
)
ARRAY JOIN
    texts AS line_text,
    arrayMap((upto, size) -> upto - size, arrayCumSum(sizes), sizes) AS begin,
    arrayEnumerate(texts) AS number,
    arrayCumSum(steps) AS since,
    letters AS letter
