"""What becomes of each stream, decided from a probe and a profile alone."""

from dataclasses import replace
from typing import Any

import pytest

from media.model import AudioStream, MediaProbe, OtherStream
from media.plan import DroppedStream, StreamAction, ToneMap
from media.planning import plan
from tests.media.probing import WEB, a_probe, a_profile, a_survey, a_track, a_video

COPY, ENCODE = StreamAction.COPY, StreamAction.ENCODE


@pytest.mark.parametrize(
    ("probe", "picture", "sound", "words"),
    [
        (a_probe(None, a_track()), COPY, COPY, "picture copied, sound copied"),
        (a_probe(), COPY, None, "picture copied, no sound"),
        (
            a_probe(None, a_track(codec="opus")),
            COPY,
            ENCODE,
            "picture copied, sound encoded (it is opus, not AAC-LC)",
        ),
        (
            a_probe(a_video(codec="vp9", seconds=5), a_track(seconds=5)),
            ENCODE,
            COPY,
            "picture encoded (it is vp9, not h264), sound copied",
        ),
        (
            a_probe(a_video(codec="hevc"), a_track(channels=6)),
            ENCODE,
            ENCODE,
            "picture encoded (it is hevc, not h264), in 2 chunks, sound encoded (it has 6 channels)",
        ),
    ],
    ids=["both", "silent", "sound only", "picture only", "neither"],
)
def test_each_stream_is_copied_or_encoded_by_itself_and_people_are_told_why(
    probe: MediaProbe, picture: StreamAction, sound: StreamAction | None, words: str
) -> None:
    decided = plan(probe, WEB)
    assert decided.picture.action is picture
    assert (decided.sound.action if decided.sound is not None else None) is sound
    assert decided.in_words == words
    assert decided.copies == (COPY in {picture, sound})


@pytest.mark.parametrize(
    ("stored", "rotation", "aspect", "planned"),
    [
        ((1920, 1080), 0, 1.0, (1920, 1080)),
        ((1920, 1080), 90, 1.0, (1080, 1920)),
        ((1920, 1080), 180, 1.0, (1920, 1080)),
        ((720, 576), 0, 64 / 45, (1024, 576)),
        ((720, 576), 270, 64 / 45, (576, 1024)),
        ((321, 241), 0, 1.0, (320, 240)),
        ((1, 1), 0, 1.0, (2, 2)),
        ((7680, 4320), 0, 1.0, (3840, 2160)),
        ((4320, 7680), 0, 1.0, (2160, 3840)),
        ((7680, 4320), 270, 1.0, (2160, 3840)),
        ((4096, 2304), 0, 1.0, (3840, 2160)),
        ((4001, 2161), 0, 1.0, (3998, 2160)),
    ],
)
def test_what_is_encoded_is_upright_even_and_within_the_cap_but_never_enlarged(
    stored: tuple[int, int], rotation: int, aspect: float, planned: tuple[int, int]
) -> None:
    video = a_video(codec="hevc", rotation_degrees=rotation, sample_aspect_ratio=aspect)
    picture = plan(a_probe(replace(video, width=stored[0], height=stored[1])), WEB).picture
    assert (picture.width, picture.height, picture.rotation_degrees) == (*planned, 0)


def test_a_copied_picture_is_still_turned_by_the_player() -> None:
    picture = plan(a_probe(a_video(rotation_degrees=90)), WEB).picture
    assert (picture.action, picture.width, picture.height, picture.rotation_degrees) == (COPY, 1080, 1920, 90)


@pytest.mark.parametrize(
    ("tracks", "taken"),
    [
        ([a_track(index=1), a_track(index=2, is_default=True), a_track(index=3, is_default=True)], 2),
        ([a_track(index=4), a_track(index=2)], 4),
    ],
)
def test_the_default_track_is_heard_and_else_the_first(tracks: list[AudioStream], taken: int) -> None:
    sound = plan(a_probe(None, *tracks), WEB).sound
    assert sound is not None
    assert sound.index == taken


def test_what_is_left_behind_is_named() -> None:
    others = [OtherStream(2, "subtitle", "mov_text"), OtherStream(4, "cover", "mjpeg")]
    probe = a_probe(None, a_track(index=1), a_track(index=3, codec="ac3"), others=others)
    assert plan(probe, WEB).dropped == (
        DroppedStream(2, "subtitle", "mov_text"),
        DroppedStream(4, "cover", "mjpeg"),
        DroppedStream(3, "sound", "ac3"),
    )


@pytest.mark.parametrize(
    ("track", "channels", "rate", "bit_rate"),
    [
        (a_track(codec="opus"), 2, 48_000, 128_000),
        (a_track(codec="opus", channels=1), 1, 48_000, 64_000),
        (a_track(channels=6), 2, 48_000, 128_000),
        (a_track(codec="mp3", sample_rate_hertz=44_100), 2, 44_100, 128_000),
        (a_track(sample_rate_hertz=96_000), 2, 48_000, 128_000),
        (a_track(sample_rate_hertz=8_000), 2, 48_000, 128_000),
    ],
)
def test_encoded_sound_is_mono_or_stereo_at_a_rate_that_every_player_takes(
    track: AudioStream, channels: int, rate: int, bit_rate: int
) -> None:
    sound = plan(a_probe(None, track), WEB).sound
    assert sound is not None
    assert (sound.channels, sound.sample_rate_hertz) == (channels, rate)
    assert sound.encoding.bit_rate == bit_rate


def test_a_profile_of_one_channel_and_a_loudness_has_its_way() -> None:
    sound = plan(a_probe(None, a_track()), a_profile(audio_channels=1, loudness_lufs=-16.0)).sound
    assert sound is not None
    assert (sound.action, sound.channels, sound.encoding.loudness_lufs) == (ENCODE, 1, -16.0)


def test_copied_sound_keeps_its_rate_and_its_packets_are_counted() -> None:
    sound = plan(a_probe(None, a_track(sample_rate_hertz=22_050)), WEB).sound
    assert sound is not None
    assert (sound.action, sound.sample_rate_hertz, sound.packets) == (COPY, 22_050, 469)


def test_copied_streams_keep_their_distance_from_the_one_that_begins_first() -> None:
    decided = plan(a_probe(a_video(begin=5.1, seconds=3), a_track(begin=5.0, seconds=2)), WEB)
    assert decided.sound is not None
    assert decided.origin_seconds == 5.0
    assert (decided.picture.delay_seconds, decided.picture.seconds) == (0.1, 3.0)
    assert (decided.sound.delay_seconds, decided.sound.seconds) == (0.0, 2.0)
    assert decided.duration_seconds == 3.1


def test_encoded_streams_begin_at_the_origin_and_fill_what_is_missing() -> None:
    picture, track = a_video(codec="vp9", begin=-0.5, seconds=3), a_track(codec="opus", begin=0.5, seconds=4)
    decided = plan(a_probe(picture, track), WEB)
    assert decided.sound is not None
    assert decided.origin_seconds == -0.5
    assert (decided.picture.delay_seconds, decided.picture.seconds, decided.picture.encoding.frames) == (0, 3.0, 75)
    assert (decided.sound.delay_seconds, decided.sound.seconds) == (0, 5.0)
    assert decided.duration_seconds == 5.0


def test_only_streams_that_are_taken_say_where_the_output_begins_and_ends() -> None:
    other = a_track(index=2, begin=-3, seconds=60)
    decided = plan(a_probe(None, a_track(is_default=True), other, duration_seconds=60), WEB)
    assert (decided.origin_seconds, decided.duration_seconds) == (0.0, 10.0)


def test_the_header_tells_how_long_the_last_frame_stands_but_not_less_than_the_packets() -> None:
    survey = a_survey(seconds=10)
    longer, shorter = [a_video(survey=survey, duration_seconds=seconds) for seconds in (9.97, 2.0)]
    assert plan(a_probe(longer), WEB).duration_seconds == pytest.approx(9.97)
    assert plan(a_probe(shorter), WEB).duration_seconds == pytest.approx(survey.last_seconds)


@pytest.mark.parametrize(
    ("seconds", "at_seconds"), [(10.0, 1.0), (1.0, 0.5), (0.4, 0.2)], ids=["long", "a second", "short"]
)
def test_the_thumbnail_is_at_one_second_or_in_the_middle_and_others_lie_within(
    seconds: float, at_seconds: float
) -> None:
    thumbnail = plan(a_probe(a_video(seconds=seconds, begin=7.0)), WEB).thumbnail
    assert thumbnail.at_seconds == at_seconds
    assert len(thumbnail.otherwise_seconds) > 3
    assert all(0 <= other < seconds for other in thumbnail.otherwise_seconds)
    assert not thumbnail.representative


@pytest.mark.parametrize(
    ("stored", "rotation", "planned"),
    [
        ((3840, 2160), 0, (1280, 720)),
        ((1920, 1080), 90, (1080, 1920)),
        ((320, 240), 0, (320, 240)),
        ((8000, 1), 0, (1280, 2)),
    ],
)
def test_the_thumbnail_is_no_wider_than_the_profile_says_and_never_enlarged(
    stored: tuple[int, int], rotation: int, planned: tuple[int, int]
) -> None:
    video = a_video(width=stored[0], height=stored[1], rotation_degrees=rotation)
    thumbnail = plan(a_probe(video), a_profile(thumbnail="representative")).thumbnail
    assert (thumbnail.width, thumbnail.height) == planned
    assert thumbnail.representative


@pytest.mark.parametrize(
    ("fields", "tone_map", "wide", "matrix", "full"),
    [
        ({}, None, False, "bt709", False),
        ({"width": 640, "height": 480}, None, False, "smpte170m", False),
        ({"width": 640, "height": 480, "colour_matrix": "bt709"}, None, False, "bt709", False),
        ({"colour_transfer": "smpte2084", "colour_primaries": "bt2020"}, ToneMap.PQ, False, "bt2020nc", False),
        ({"colour_primaries": "bt2020"}, None, True, "bt2020nc", False),
        ({"colour_transfer": "arib-std-b67"}, ToneMap.HLG, False, "bt709", False),
        ({"colour_primaries": "smpte432"}, None, True, "bt709", False),
        ({"colour_range": "pc", "colour_matrix": "gbr"}, None, False, "bt709", True),
        ({"pixel_format": "yuvj420p"}, None, False, "bt709", True),
    ],
)
def test_colours_that_a_file_does_not_name_are_what_players_assume(
    fields: dict[str, Any], tone_map: ToneMap | None, wide: bool, matrix: str, full: bool
) -> None:
    colours = plan(a_probe(a_video(**fields)), WEB).picture.encoding.colours
    assert (colours.tone_map, colours.wide_primaries is not None, colours.matrix, colours.full_range) == (
        tone_map,
        wide,
        matrix,
        full,
    )


def test_half_pictures_are_made_whole() -> None:
    assert plan(a_probe(a_video(field_order="tt")), WEB).picture.encoding.deinterlace
    assert not plan(a_probe(a_video(codec="hevc")), WEB).picture.encoding.deinterlace


def test_the_estimate_of_memory_grows_with_either_picture() -> None:
    small, large, scaled = [
        plan(a_probe(a_video(codec="hevc", width=16 * part, height=9 * part)), WEB).memory_bytes
        for part in (40, 240, 480)
    ]
    assert small < large < scaled


def test_what_was_copied_in_vain_is_encoded_as_it_would_have_been() -> None:
    probe = a_probe(
        a_video(begin=5.1, seconds=3, rotation_degrees=90), a_track(begin=5.0, seconds=2, sample_rate_hertz=24_000)
    )
    instead = plan(probe, WEB).encoding_what_was_copied()
    from_the_start = plan(replace(probe, container="mpegts"), WEB)
    why = "what was copied could not be verified"
    assert instead.sound is not None
    assert from_the_start.sound is not None
    assert instead.picture == replace(from_the_start.picture, why=why)
    assert instead.sound == replace(from_the_start.sound, why=why)
    assert not instead.copies
    assert instead.duration_seconds == plan(probe, WEB).duration_seconds


def test_what_was_encoded_already_stays_as_planned() -> None:
    decided = plan(a_probe(a_video(codec="vp9"), a_track()), WEB)
    assert decided.encoding_what_was_copied().picture == decided.picture
