"""Whatever bytes a published table holds, reading it ends: in rows about files that are there, or in a named error."""

from dataclasses import astuple

import numpy as np
import pytest
from tests.ingest.layouts.published import (
    AUDIOSET_COMMENTS,
    AUDIOSET_LABELS,
    FMA_GENRES,
    JAMENDO_LICENCES,
    JAMENDO_NAMES,
    JAMENDO_TAGS,
    SONG_DESCRIBER_HEADER,
    fma_row,
    fma_tracks,
    lay_out,
    mtt_annotations,
    mtt_info,
)

from padstal.ingest.layouts.read import read_metadata
from padstal.ingest.rejection import ROW_REASONS

DATASETS = {
    "fma": {
        "fma_metadata/tracks.csv": fma_tracks([fma_row(2, track_tags="['lo-fi']"), fma_row(3), fma_row(5)]),
        "fma_metadata/genres.csv": FMA_GENRES,
        "fma_metadata/raw_tracks.csv": b"track_id,license_url,track_url\n2,http://creativecommons.org/licenses/by/4.0/,u\n",
        "fma_small/000/000002.mp3": b"",
        "fma_small/000/000003.mp3": b"",
    },
    "mtg_jamendo": {
        "raw_30s.tsv": JAMENDO_TAGS,
        "raw.meta.tsv": JAMENDO_NAMES,
        "audio_licenses.txt": JAMENDO_LICENCES,
        "14/214.mp3": b"",
        "82/382.mp3": b"",
    },
    "magnatagatune": {
        "annotations_final.csv": mtt_annotations([("2", ("singer",), "f/a-0-29.mp3"), ("3", (), "0/b-0-29.mp3")]),
        "clip_info_final.csv": mtt_info([("2", "Sonata", "Soloists", "Cantatas", "http://m/", "f/a-0-29.mp3")]),
        "f/a-0-29.mp3": b"",
        "0/b-0-29.mp3": b"",
    },
    "audioset": {
        "eval_segments.csv": (
            AUDIOSET_COMMENTS
            + '--PJHxphWEs, 30.000, 40.000, "/m/04rlf,/m/09x0r"\nYbcdefghijK, 0.000, 10.000, "/m/04rlf"\n'
        ).encode(),
        "class_labels_indices.csv": AUDIOSET_LABELS,
        "ontology.json": b'[{"id": "/m/04rlf", "name": "Music"}]',
        "--PJHxphWEs.wav": b"",
        "YYbcdefghijK_0.000.wav": b"",
    },
    "song_describer": {
        "song_describer.csv": (
            SONG_DESCRIBER_HEADER + "9,1004034,a calm tune,True,1,368880,118196,34/1004034.mp3,202.5\n"
        ).encode(),
        "audio_licenses.txt": b"34/1004034.mp3\nhttp://creativecommons.org/licenses/by/3.0/\n--\n",
        "audio_metadata.tsv": b"track_1004034\tartist_368880\talbum_118196\tRain\tExample\tRooms\t2020\thttp://x\n",
        "song_describer.mtg-jamendo.tsv": b"track_1004034\tartist_368880\talbum_1\t34/1004034.mp3\t2.5\tgenre---pop\n",
        "audio/34/1004034.2min.mp3": b"",
    },
}
PIECES = (
    *(
        b"",
        b"\0",
        b"\xff\xfe",
        b'"',
        b"\t",
        b",",
        b"\n",
        b"\r",
        b"\r\n",
        b"[",
        b"nan",
        b"-1",
        b"9" * 5000,
        b"../../etc",
    ),
    *(
        b"\xed\xa0\x80",
        "\u202e".encode(),
        b"<script>",
        b"&#0;",
        b"&#xD800;",
        b"1e400",
        b'"" ""',
        b"\xef\xbb\xbf",
        b"track_",
    ),
)
ROUNDS = 120


def spoil(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three pieces of the content cut out, doubled, overwritten or filled with something else."""
    for _ in range(rng.integers(1, 4)):
        start, end = sorted(rng.integers(0, len(content) + 1, 2).tolist())
        end = min(end, start + int(rng.integers(0, 40)))
        piece = PIECES[rng.integers(len(PIECES))] if rng.random() < 0.8 else content[start:end] * 2
        content = content[:start] + piece + content[end:]
    return content


@pytest.mark.parametrize("layout", DATASETS)
def test_spoiled_tables_end_in_rows_or_in_an_error_by_name(tmp_path, layout):
    rng = np.random.default_rng(20_26)
    dataset = DATASETS[layout]
    files = lay_out(tmp_path, dataset)
    tables = [name for name, content in dataset.items() if content]
    read = named = 0
    for _ in range(ROUNDS):
        name = tables[rng.integers(len(tables))]
        (tmp_path / name).write_bytes(spoil(dataset[name], rng))
        try:
            table = read_metadata(tmp_path, layout=layout, captions=None, files=files)
        except (ValueError, FileNotFoundError) as error:
            named += "." in str(error)
        else:
            read += 1
            assert set(table.rows) <= set(files)
            assert {reason for _, reason, _ in table.refused} <= set(ROW_REASONS)
            for said in (*table.refused, *(astuple(row) for row in table.rows.values())):
                assert "\n" not in "".join(said[1:])
                "".join(said).encode("utf-8")
        (tmp_path / name).write_bytes(dataset[name])
    assert read + named == ROUNDS, "every error names its table"
    assert read > ROUNDS / 12
