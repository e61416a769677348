"""Files that contradict themselves, which are refused or noted, and files whose fault does no harm, which are kept."""

import struct
from collections.abc import Iterable

import numpy as np
from tests.ingest.encoders import (
    RATE,
    after,
    ape,
    av_encode,
    box,
    flac_block,
    flac_frames,
    flac_header,
    floats,
    good,
    id3,
    moofs,
    mp3_frames,
    music,
    ogg_pages,
    patched,
    pcm,
    sndfile,
    wav,
    with_edits,
    with_flac_blocks,
)
from tests.ingest.kinds import KEPT, REPAIRED, Kind, music_of, noise

from padstal.demo.audio_files import renumber_ogg
from padstal.ingest import rejection as why
from padstal.ingest.container_info import (
    CHECKSUM,
    HALF,
    JUNK,
    LATE,
    LENGTH,
    NO_COUNT,
    NO_RATE,
    PAD,
    STREAMED,
    TABLE,
    UNENDED,
)
from padstal.ingest.screen import CLIPPED

HALF_OF_DATA = 2 * len(music())
"""Bytes: of 16-bit stereo."""


def _number(content: bytes, mark: bytes, skip: int, number: int, order: str = "<", kind: str = "I") -> bytes:
    return after(content, mark, skip, struct.pack(order + kind, number))


def _halved_riff() -> bytes:
    """Data and RIFF say half; the rest follows behind the end of the RIFF."""
    return patched(wav(length=HALF_OF_DATA), 4, struct.pack("<I", 36 + HALF_OF_DATA))


def _law(bits: int) -> bytes:
    return wav(bytes(4 * RATE * 2), tag=6, bits=bits, block=2)


def _of_24_bits(bits: int) -> bytes:
    """PCM of three bytes a sample, of which the header says that `bits` are used."""
    whole = np.clip(music(seed=bits) * 2**23, -(2**23), 2**23 - 1).astype("<i4")
    data = np.ascontiguousarray(whole).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return wav(data, bits=bits, block=6)


def _with_fact(frames: int, seed: int) -> bytes:
    return wav(pcm(music(seed=seed)), before=b"fact" + struct.pack("<II", 4, frames))


def _adpcm() -> bytes:
    return sndfile(music(), "WAV", "IMA_ADPCM")


def _gsm() -> bytes:
    return sndfile(music(seed=89)[:, :1], "WAV", "GSM610", 8_000)


def shortened(length: int) -> bytes:
    """Loud sound of 8 bits in stereo whose data chunk says `length` bytes: half of what follows could name a chunk."""
    return _number(sndfile(0.15 * music(), "WAV", "PCM_U8"), b"data", 0, length)


def _cut_title() -> bytes:
    """A chunk of words behind the sound that is not all there."""
    return wav(pcm(music(seed=87))) + b"LIST" + struct.pack("<I", 400) + b"INFOINAM"


def _odd_wav() -> bytes:
    """Of a header that counts a pad byte, which is not there."""
    content = sndfile(music()[: 2 * RATE + 1, :1], "WAV", "PCM_U8")
    return patched(content[:-1], 4, struct.pack("<I", len(content) - 8))


def _odd_aiff(*, counted: bool) -> bytes:
    """Without the pad byte, which libsndfile counts as a sample."""
    content = sndfile(music()[: 2 * RATE + 1, :1], "AIFF", "PCM_S8")[:-1]
    if counted:
        return content
    return _number(_number(content, b"SSND", 0, 8 + 2 * RATE + 1, ">"), b"COMM", 6, 2 * RATE + 1, ">")


def _piped_aiff(length: int, frames: int, subtype: str = "PCM_16") -> bytes:
    """As programs write it that cannot go back to the header."""
    content = sndfile(music(seed=frames % 97 + 1), "AIFF", subtype)
    content = _number(patched(content, 4, struct.pack(">I", length)), b"COMM", 6, frames, ">")
    return _number(content, b"SSND", 0, length, ">")


def _from_second_frame() -> bytes:
    """FLAC without an MD5 and a length that begins with its second frame."""
    content = flac_header(music_of("flac", seed=90), frames=0, md5=bytes(16))
    at = flac_frames(content)
    return content[: at[0]] + content[at[1] :]


def _frames_swapped(*, hole: bool) -> bytes:
    """FLAC without an MD5 whose third frame is missing, or changes places with the fourth."""
    content = flac_header(good("flac"), md5=bytes(16))
    at = flac_frames(content)
    third, fourth = content[at[2] : at[3]], content[at[3] : at[4]]
    return content[: at[2]] + (fourth if hole else fourth + third) + content[at[4] :]


def _without_end_flag(kind: str, seed: int = 31) -> bytes:
    content = music_of(kind, seed)
    last = ogg_pages(content)[-2]
    return renumber_ogg(patched(content, last + 5, bytes([content[last + 5] & ~4])))


def _ogg_flac(at: int, value: bytes) -> bytes:
    """Ogg FLAC with something else in its STREAMINFO."""
    return renumber_ogg(after(good("oggflac"), b"fLaC", 4 + at, value))


def _ogg_without_page(kind: str) -> bytes:
    """A page is missing, and the numbers of the others and their checksums do not tell."""
    content, pages = good(kind), ogg_pages(good(kind))
    kept = bytearray(content[: pages[3]] + content[pages[4] :])
    for number, start in enumerate(ogg_pages(bytes(kept))[:-1]):
        kept[start + 18 : start + 22] = struct.pack("<I", number)
    return renumber_ogg(bytes(kept))


def _zeroed_table(kind: str, seed: int) -> bytes:
    """MP3 whose Xing table is there and holds nothing but zeros."""
    content = music_of("vbr", seed)
    start, end = content.index(b"Xing") + 4, mp3_frames(content)[1]
    return patched(content, start, bytes(end - start if kind == "all" else 12))


def _counted_zeros(seed: int) -> bytes:
    """A table that says that it counts, and counts 0 frames and 0 bytes."""
    return after(music_of("vbr", seed), b"Xing", 4, bytes(8))


def _tag_counted() -> bytes:
    content = music_of("vbr", 34)
    return _number(content + b"TAG" + bytes(125), b"Xing", 8, len(content) + 128, ">")


def _without_table(seed: int) -> bytes:
    content = music_of("vbr", seed)
    return content[mp3_frames(content)[1] :]


def _frame(seed: int) -> bytes:
    content = music_of("vbr", seed)
    return content[mp3_frames(content)[30] :]


def _mp3_flipped(byte: int, seed: int = 37) -> bytes:
    """One bit of the sound in the middle of a frame."""
    content = bytearray(music_of("vbr", seed))
    content[mp3_frames(bytes(content))[30] + byte] ^= 1
    return bytes(content)


def _without_encoder_name() -> bytes:
    """One bit of the sound is wrong, and nothing is left of the name that says that there is a checksum of it."""
    return _mp3_flipped(60, seed=71).replace(b"LAME3.10", b"LA\x18\x88\xbd\xf2w\x0e")


def _fragments(*order: int, flags: str = "frag_keyframe+delay_moov+default_base_moof") -> bytes:
    """Six fragments as `order` has them, and the index of all behind them."""
    content = av_encode(music(), "aac", "mp4", movflags=flags, frag_duration="500000")
    places = moofs(content)
    kept = [content[places[index] : places[index + 1]] for index in order]
    return content[: places[0]] + b"".join(kept) + content[places[-1] :]


def _untimed(*order: int) -> bytes:
    """Fragments that only their numbers tell apart."""
    return _unindexed(_fragments(*order)).replace(b"tfdt", b"free")


def renumbered(content: bytes, numbers: Iterable[int]) -> bytes:
    """Its fragments with other numbers."""
    for place, value in zip(moofs(content), numbers, strict=False):
        content = patched(content, place + 20, struct.pack(">I", value))
    return content


def _closed_up() -> bytes:
    """The second of six fragments is missing, and the times of those behind it do not tell."""
    content, whole = _unindexed(_fragments(0, 2, 3, 4, 5)), _fragments(0, 1, 2, 3, 4, 5)
    for place, origin in zip(moofs(content)[:-1], moofs(whole), strict=False):
        time = whole.index(b"tfdt", origin)
        content = patched(content, content.index(b"tfdt", place), whole[time : time + 16])
    return content


def with_movie_length(content: bytes, milliseconds: int) -> bytes:
    """Fragments whose header says how long all of them are."""
    length, place = box(b"mehd", struct.pack(">II", 0, milliseconds)), content.index(b"trex") - 4
    for name in (b"moov", b"mvex"):
        at = content.index(name) - 4
        content = patched(content, at, struct.pack(">I", int.from_bytes(content[at : at + 4], "big") + len(length)))
    return content[:place] + length + content[place:]


def _packets_left_out() -> bytes:
    """The last fragment counts five packets fewer than it holds."""
    content = _unindexed(_fragments(0, 1, 2, 3))
    at = content.rindex(b"trun") + 8
    return patched(content, at, struct.pack(">I", int.from_bytes(content[at : at + 4], "big") - 5))


def _clipped() -> bytes:
    return floats(np.clip(music(seed=38) * 8, -0.5, 0.5))


def _chunk_offset(change: int) -> bytes:
    """The first chunk of an M4A elsewhere."""
    content = good("m4a")
    at = content.index(b"stco") + 12
    return patched(content, at, struct.pack(">I", int.from_bytes(content[at : at + 4], "big") + change))


def _unindexed(content: bytes) -> bytes:
    return content.replace(b"mfra", b"free")


def _unpadded(content: bytes, name: bytes, order: str) -> bytes:
    """With a chunk of five bytes in front of all, and no pad byte behind it."""
    length = struct.pack(order + "I", len(content) + 5)
    return content[:4] + length + content[8:12] + name + struct.pack(order + "I", 5) + b"title" + content[12:]


def _vbri(frames: int, length: int) -> bytes:
    """VBR with Fraunhofer's table in place of Xing's."""
    content = music_of("vbr", 72)
    table = b"VBRI" + struct.pack(">HHHIIHHHH", 1, 0, 75, length, frames, 0, 1, 2, 1)
    opening = content[:4] + bytes(32) + table
    end = mp3_frames(content)[1]
    return opening + bytes(end - len(opening)) + content[end:]


def _counting(length: int, seed: int) -> bytes:
    """VBR whose table counts `length` bytes more than there are; all of its frames are there."""
    content = music_of("vbr", seed)
    return _number(content, b"Xing", 8, len(content) + length, ">")


LYRICS = b"LYRICSBEGININD00002 0000021LYRICS200"
SEGMENTS = "dash+global_sidx+delay_moov"
TAG = b"TAG" + b"A title".ljust(125)
REFUSED = (why.DAMAGED, why.TRUNCATED, why.UNREADABLE)
LIES = [
    Kind("halved.wav", why.DAMAGED, lambda: wav(length=HALF_OF_DATA)),
    Kind("halved_twice.wav", why.DAMAGED, _halved_riff),
    Kind("shortened_before_letters.wav", why.DAMAGED, lambda: shortened(len(music()) + 40)),
    Kind("shortened.wav", why.DAMAGED, lambda: wav(length=4 * len(music()) - 4000)),
    Kind("two_data.wav", why.SEVERAL_STREAMS, lambda: wav() + b"data" + struct.pack("<I", 400) + bytes(400)),
    Kind("halved.w64", why.DAMAGED, lambda: _number(good("w64"), b"data", 12, HALF_OF_DATA + 24, kind="Q")),
    Kind("halved.rf64", why.DAMAGED, lambda: _number(good("rf64"), b"ds64", 12, HALF_OF_DATA, kind="Q")),
    Kind("halved_sound.aiff", REFUSED, lambda: _number(good("aiff"), b"SSND", 0, HALF_OF_DATA + 8, ">")),
    Kind("halved_frames.aiff", why.DAMAGED, lambda: _number(good("aiff"), b"COMM", 6, len(music()) // 2, ">")),
    Kind("doubled_frames.aiff", why.TRUNCATED, lambda: _number(good("aiff"), b"COMM", 6, len(music()) * 2, ">")),
    Kind("sixteen_of_eight.aiff", REFUSED, lambda: _number(good("aiff"), b"COMM", 10, 8, ">", "H")),
    Kind("other_rate.wav", why.DAMAGED, lambda: patched(wav(), 24, struct.pack("<I", 22_050))),
    Kind("byte_rate.wav", why.DAMAGED, lambda: patched(wav(), 28, struct.pack("<I", 5 * RATE))),
    Kind("adpcm_rate.wav", why.DAMAGED, lambda: patched(_adpcm(), 24, b"\x44\xac\0\0")),
    Kind("gsm_rate.wav", why.DAMAGED, lambda: patched(_gsm(), 24, b"\x80\xbb\0\0")),
    Kind("sixteen_bit_law.wav", why.DAMAGED, lambda: _law(16)),
    Kind("mono_law.wav", why.DAMAGED, lambda: patched(_law(8), 22, b"\1\0")),
    Kind("float_of_16_bits.wav", why.DAMAGED, lambda: wav(tag=3)),
    Kind("valid_bits.wav", why.DAMAGED, lambda: patched(sndfile(music(), "WAVEX", "PCM_16"), 38, b"\x18\0")),
    Kind("fact_of_more.wav", why.TRUNCATED, lambda: _with_fact(2 * len(music()), 41)),
    Kind("fact_of_less.wav", REPAIRED + LENGTH, lambda: _with_fact(len(music()) // 2, 42)),
    Kind("adpcm_fact_of_more.wav", REPAIRED + LENGTH, lambda: _number(_adpcm(), b"fact", 4, 2 * len(music()))),
    Kind("vbri_length.mp3", REPAIRED + LENGTH, lambda: _vbri(len(mp3_frames(music_of("vbr", 72))) - 2, 999)),
    Kind("vbri_of_less.mp3", why.DAMAGED, lambda: _vbri(20, 0)),
    Kind("half_a_sample.wav", REPAIRED + LENGTH, lambda: wav(pcm(music(seed=43)) + b"\1\1")),
    Kind("other_rate.flac", why.DAMAGED, lambda: flac_header(good("flac"), rate=22_050)),
    Kind("other_channels.flac", why.DAMAGED, lambda: flac_header(good("flac"), channels=0)),
    Kind("hole_without_md5.flac", REFUSED, lambda: _frames_swapped(hole=True)),
    Kind("swapped_without_md5.flac", why.DAMAGED, lambda: _frames_swapped(hole=False)),
    Kind("from_second_frame.flac", f"{REPAIRED}{STREAMED}; {LATE}", _from_second_frame),
    Kind("streamed_with_wrong_md5.flac", why.DAMAGED, lambda: flac_header(good("flac"), frames=0, md5=b"x" * 16)),
    Kind("lost_page_renumbered.ogg", REFUSED, lambda: _ogg_without_page("ogg")),
    Kind("lost_page_renumbered.opus", REFUSED, lambda: _ogg_without_page("opus")),
    Kind("ogg_md5.oga", why.DAMAGED, lambda: _ogg_flac(18, b"x" * 16)),
    Kind("ogg_rate.oga", REFUSED, lambda: _ogg_flac(10, b"\x05\x62\x20")),
    Kind("ogg_frames.oga", why.TRUNCATED, lambda: _ogg_flac(14, struct.pack(">I", 9 * RATE))),
    Kind("nameless_table.mp3", REPAIRED + TABLE, lambda: music_of("vbr", 44).replace(b"Xing", b"Xi\0g")),
    Kind("foreign_encoder_name.mp3", REPAIRED + TABLE, _without_encoder_name),
    Kind("music_checksum.mp3", REPAIRED + CHECKSUM, lambda: _mp3_flipped(60)),
    Kind("fragment_missing.m4a", why.TRUNCATED, lambda: _fragments(0, 2, 3, 4, 5)),
    Kind("fragments_swapped.m4a", why.DAMAGED, lambda: _fragments(0, 2, 1, 3, 4, 5)),
    Kind("first_fragment_missing.m4a", why.TRUNCATED, lambda: _fragments(1, 2, 3, 4, 5)),
    Kind("last_fragment_missing.m4a", why.TRUNCATED, lambda: _fragments(0, 1, 2, 3, 4)),
    Kind("fragment_missing_without_index.m4a", why.DAMAGED, lambda: _unindexed(_fragments(0, 2, 3, 4, 5))),
    Kind("first_missing_without_index.m4a", REPAIRED + LATE, lambda: _unindexed(_fragments(1, 2, 3, 4, 5))),
    Kind("fragment_missing_without_times.m4a", why.DAMAGED, lambda: _untimed(0, 2, 3, 4)),
    Kind("fragments_swapped_without_times.m4a", why.DAMAGED, lambda: _untimed(0, 2, 1, 3)),
    Kind("first_missing_without_times.m4a", REPAIRED + LATE, lambda: _untimed(1, 2, 3, 4)),
    Kind("fragment_missing_closed_up.m4a", why.DAMAGED, _closed_up),
    Kind("fragments_of_more.m4a", why.TRUNCATED, lambda: with_movie_length(_unindexed(_fragments(0, 1, 2)), 2500)),
    Kind(
        "media_of_more.m4a", why.TRUNCATED, lambda: _number(_unindexed(_fragments(0, 1, 2)), b"mdhd", 16, 40_000, ">")
    ),
    Kind("packets_left_out.m4a", why.DAMAGED, _packets_left_out),
    Kind("last_missing_of_segments.m4a", why.TRUNCATED, lambda: _unindexed(_fragments(0, 1, 2, 3, flags=SEGMENTS))),
    Kind("fragment_twice.m4a", why.DAMAGED, lambda: _fragments(0, 1, 1, 2, 3, 4, 5)),
    Kind("two_edits.m4a", why.FORMAT, lambda: with_edits((1000, 1024, 1), (700, 20_000, 1))),
    Kind("edits_with_a_pause.m4a", why.FORMAT, lambda: with_edits((1000, 1024, 1), (500, -1, 1))),
    Kind("twice_as_fast.m4a", why.FORMAT, lambda: with_edits((2500, 1024, 2))),
    Kind("edit_before_the_sound.m4a", why.DAMAGED, lambda: with_edits((2500, -5, 1))),
    Kind("edit_of_less.m4a", REPAIRED + LENGTH, lambda: with_edits((2500, 1183, 1))),
    Kind("edit_of_more.m4a", REPAIRED + LENGTH, lambda: with_edits((90_000, 1024, 1))),
    Kind("chunk_outside.m4a", why.EMPTY, lambda: _chunk_offset(2_000_000)),
    Kind("chunk_before.m4a", REFUSED, lambda: _chunk_offset(-40)),
    Kind("durations.m4a", why.DAMAGED, lambda: _number(good("m4a"), b"stts", 8, 9, ">")),
    Kind("timescale.m4a", REFUSED, lambda: _number(good("m4a"), b"mdhd", 12, 8_000, ">")),
    Kind("clipped.wav", REPAIRED + CLIPPED, _clipped),
]

MENDED = [
    Kind(
        "seek_table_behind_a_tag.flac",
        KEPT,
        lambda: id3(150_000) + with_flac_blocks(music_of("flac", 51), flac_block(3, struct.pack(">QQH", 0, 0, 4096))),
    ),
    Kind("behind_a_tag.wav", KEPT, lambda: id3(3000) + music_of("wav", 52)),
    Kind("behind_a_tag.ogg", KEPT, lambda: id3(3000) + music_of("ogg", 53)),
    Kind("behind_a_tag.m4a", KEPT, lambda: id3(3000) + music_of("m4a", 54)),
    Kind("tag_behind.flac", KEPT, lambda: music_of("flac", 55) + b"TAG" + bytes(125)),
    Kind("tag_behind.wav", REPAIRED + JUNK, lambda: music_of("wav", 56) + b"TAG" + bytes(125)),
    Kind("unended.ogg", REPAIRED + UNENDED, lambda: _without_end_flag("ogg")),
    Kind("unended_and_a_tag.ogg", f"{REPAIRED}{JUNK}; {UNENDED}", lambda: _without_end_flag("ogg", 91) + TAG),
    Kind("unended.opus", REPAIRED + UNENDED, lambda: _without_end_flag("opus")),
    Kind("zeroed_table.mp3", f"{REPAIRED}{NO_COUNT}; {TABLE}", lambda: _counted_zeros(57)),
    Kind("empty_table.mp3", KEPT, lambda: _zeroed_table("all", 58)),
    Kind("tag_counted.mp3", f"{REPAIRED}{LENGTH}; {TABLE}", _tag_counted),
    Kind("half_a_frame.mp3", REPAIRED + HALF, lambda: _without_table(59)[:-30]),
    Kind("half_a_frame_more.mp3", REPAIRED + HALF, lambda: music_of("vbr", 60) + _frame(60)[:40]),
    Kind("half_a_frame_and_a_tag.mp3", REPAIRED + HALF, lambda: _without_table(61)[:-30] + b"TAG" + bytes(125)),
    Kind("half_a_frame_and_ape.mp3", REPAIRED + HALF, lambda: _without_table(81)[:-30] + ape(200) + TAG),
    Kind("half_a_frame_and_lyrics.mp3", REPAIRED + HALF, lambda: _without_table(82)[:-30] + LYRICS + TAG),
    Kind("half_a_frame_and_id3.mp3", REPAIRED + HALF, lambda: _without_table(83)[:-30] + id3(2000)),
    Kind("half_a_frame_and_zeros.mp3", REPAIRED + HALF, lambda: _without_table(84)[:-900] + bytes(2000)),
    Kind("padded_frame_and_a_tag.mp3", KEPT, lambda: _without_table(85)[:-200] + bytes(200) + TAG),
    Kind("lost_tag_counted.mp3", f"{REPAIRED}{LENGTH}; {TABLE}", lambda: _counting(128, 85)),
    Kind("tag_in_front_counted.mp3", f"{REPAIRED}{LENGTH}; {TABLE}", lambda: id3(900) + _counting(910, 86)),
    Kind("piped_zeros.aiff", REPAIRED + STREAMED, lambda: _piped_aiff(0, 0)),
    Kind("piped_ones.aiff", REPAIRED + STREAMED, lambda: _piped_aiff(0xFFFF_FFFF, 0xFFFF_FFFF)),
    Kind("piped_most.aiff", REPAIRED + STREAMED, lambda: _piped_aiff(0x7F00_0008, 0x7F00_0000 // 4)),
    Kind("piped_24_bits.aiff", REPAIRED + STREAMED, lambda: _piped_aiff(0x7F00_0006, 0x7F00_0000 // 6, "PCM_24")),
    Kind(
        "piped.w64",
        REPAIRED + STREAMED,
        lambda: _number(sndfile(music(seed=88), "W64", "PCM_16"), b"data", 12, 2**63 - 1, kind="Q"),
    ),
    Kind("cut_title_behind.wav", REPAIRED + JUNK, _cut_title),
    Kind("gsm.wav", KEPT, _gsm),
    Kind("no_pad.aiff", REPAIRED + PAD, lambda: _odd_aiff(counted=False)),
    Kind("no_counted_pad.aiff", REPAIRED + PAD, lambda: _odd_aiff(counted=True)),
    Kind("no_pad.wav", REPAIRED + PAD, _odd_wav),
    Kind("no_pad_in_front.wav", REPAIRED + PAD, lambda: _unpadded(music_of("wav", 64), b"LIST", "<")),
    Kind("no_pad_in_front.aiff", REPAIRED + PAD, lambda: _unpadded(sndfile(music(), "AIFF", "PCM_24"), b"NAME", ">")),
    Kind("noise_behind.w64", REPAIRED + JUNK, lambda: good("w64") + noise(777)),
    Kind("tag_behind.m4a", REPAIRED + JUNK, lambda: music_of("m4a", 65) + TAG),
    Kind("tags_behind.m4a", REPAIRED + JUNK, lambda: good("fragmented") + ape(500) + TAG),
    Kind("pause_in_front.m4a", KEPT, lambda: with_edits((500, -1, 1), (2500, 1024, 1))),
    Kind("large_bw64.wav", KEPT, lambda: b"BW64" + good("rf64")[4:]),
    Kind("vbri_of_nothing.mp3", REPAIRED + NO_COUNT, lambda: _vbri(0, 0)),
    Kind("twenty_bits.wav", KEPT, lambda: _of_24_bits(20)),
    Kind("eighteen_bits.wav", KEPT, lambda: _of_24_bits(18)),
    Kind("twelve_bits.wav", KEPT, lambda: wav(pcm(music(seed=62)), bits=12, block=4)),
    Kind("no_byte_rate.wav", REPAIRED + NO_RATE, lambda: patched(music_of("wav", 63), 28, bytes(4))),
]
