"""Several devices: how they are shared out, and that they change nothing but the time."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fields import picture, run_command

from synth import (
    Joint,
    ScatteringMoments,
    ScatteringSpectra,
    Schedule,
    descend,
    device_mesh,
    drain,
    fit,
    morlet_bank,
)
from synth.app.options import Options
from synth.app.runs import generate, read
from synth.errors import InputError
from synth.models import samples
from synth.parallel.mesh import _shares, common_mesh, samples_at_once, split, split_if_even

MAIN = "from synth.app.cli import main; main()"
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}


@pytest.mark.parametrize(
    ("devices", "samples", "angles", "shares"),
    [
        (1, 1, (8,), (1, 1)),
        (8, 1, (8,), (1, 8)),
        (8, 2, (8, 4), (2, 4)),
        (8, 16, (8,), (8, 1)),
        (4, 64, (), (4, 1)),
        (6, 3, (8,), (3, 2)),
    ],
)
def test_devices_go_to_samples_first(devices, samples, angles, shares):
    assert _shares(devices, samples, angles) == shares


def test_devices_that_cannot_share_evenly_are_refused():
    sentence = "3 devices cannot share 2 samples of 4 and 8 angles evenly: choose a divisor"
    with pytest.raises(InputError, match=sentence):
        _shares(3, 2, (8, 4))


def test_more_devices_than_there_are_are_refused():
    with pytest.raises(InputError, match=r"1024 devices were asked for: choose 1 to \d+\."):
        device_mesh(samples=1024)


def test_without_a_mesh_nothing_is_split():
    assert common_mesh(None, samples=4, angles=(8,)) is None
    for each in (split, split_if_even):
        assert each(jnp.sum, "angle", 3, in_specs=None, out_specs=None) is jnp.sum


class TestAccelerator:
    """What an accelerator would do, on the processor that is here."""

    @pytest.fixture
    def model(self):
        field = picture("turbulence", (32, 32))
        return fit(ScatteringMoments(morlet_bank((32, 32), 3, 4)), field)

    def test_it_takes_as_many_samples_as_its_memory_holds(self, monkeypatch):
        points = 10_000
        assert samples_at_once(points, 6) is None
        monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
        assert samples_at_once(points, 6) == samples_at_once(0, 6) == 6
        assert samples_at_once(points, 1) is None
        for room, at_once in ((5, 3), (2, 2), (1, None), (0.5, None)):
            monkeypatch.setattr("synth.parallel.mesh._MEMORY", room * 16 * points / 0.7 + 1)
            assert samples_at_once(points, 6) == at_once

    def test_points_of_all_the_banks_of_a_model_count(self, model):
        bank = model.descriptor.bank
        assert samples._num_points(model) == bank.num_points > 0
        both = Joint({"moments": model.descriptor, "spectra": ScatteringSpectra(bank)})
        assert samples._num_points((both, "no bank")) == 2 * bank.num_points

    def test_samples_at_once_are_those_one_by_one(self, model, monkeypatch):
        keys, schedule = jax.random.split(jax.random.key(0), 3), Schedule(1e-9, max_steps=15)
        alone = drain(descend(model, keys=keys, schedule=schedule))
        monkeypatch.setattr(samples, "samples_at_once", lambda _, count: 2)
        jax.clear_caches()
        together = drain(descend(model, keys=keys, schedule=schedule))
        jax.clear_caches()
        for one, other in zip(alone, together, strict=True):
            assert distance(other.field, one.field) <= 1e-4
            assert distance(other.losses, one.losses) <= 1e-4


def distance(field, reference):
    return np.linalg.norm(np.asarray(field) - reference) / np.linalg.norm(reference)


VIRTUAL = """
import json, sys
import jax
jax.config.update("jax_num_cpu_devices", 8)
import numpy as np
from contextlib import nullcontext
from fields import picture
from synth import *
from synth.parallel.mesh import common_mesh

def textures(model, mesh, samples, together=False):
    # Rounding grows: 1e-7 after 3 evaluations, 1e-6 after 5, 2e-5 after 10, 2e-3 after 20.
    keys, schedule = jax.random.split(jax.random.key(0), samples), Schedule(1e-9, max_steps=10)
    with mesh and jax.set_mesh(device_mesh(**mesh)) or nullcontext():
        return drain(descend(model, keys=keys, schedule=schedule, together=together))

errors, shares = {}, []
bank = morlet_bank((64, 64), 4, 8)
for descriptor, meshes in (
    (ScatteringMoments(bank), [{"angles": 8}, {"samples": 2, "angles": 4}]),
    (ScatteringSpectra(morlet_bank((64, 64), 4, 4)), [{"samples": 2, "angles": 4}]),
):
    model = fit(descriptor, picture("turbulence", (64, 64)))
    alone = textures(model, None, 2)
    for mesh in meshes:
        shared = textures(model, mesh, 2)
        assert len(shared[0].field.sharding.device_set) == np.prod(list(mesh.values()))
        name = f"{type(descriptor).__name__} {mesh}"
        errors[name] = max(
            float(np.linalg.norm(a.field - b.field) / np.linalg.norm(b.field))
            for a, b in zip(map(jax.device_get, shared), map(jax.device_get, alone))
        )
alone, shared = (
    textures(model, mesh, 4, together=True) for mesh in (None, {"samples": 2, "angles": 4})
)
errors["together"] = max(
    float(np.linalg.norm(a.field - b.field) / np.linalg.norm(b.field))
    for a, b in zip(map(jax.device_get, shared), map(jax.device_get, alone))
)
gray = picture("turbulence", (64, 64))
model = fit(joint("rectified", shape=(64, 64), scales=3), gray)

def sloped(angles):
    with jax.set_mesh(device_mesh(angles=angles)) if angles else nullcontext():
        z = model.start(key=jax.random.key(0))
        return jax.device_get(jax.jit(jax.grad(lambda z: model.loss(z)[0]))(z))

alone, shared = sloped(None), sloped(4)
errors["rectified"] = float(np.linalg.norm(shared - alone) / np.linalg.norm(alone))

def measured(angles):  # called as it is, not in a compiled function
    with jax.set_mesh(device_mesh(angles=angles)) if angles else nullcontext():
        found = jax.device_get(model.descriptor(gray))
        return np.concatenate([each.ravel() for each in jax.tree.leaves(found)])

alone, shared = measured(None), measured(4)
errors["measured"] = float(np.linalg.norm(shared - alone) / np.linalg.norm(alone))
field = np.cumsum([np.roll(gray, shift, (0, 1)) for shift in (0, 5, 21)], 0)
holed = np.where(np.arange(64) < 20, np.nan, field)
options = dict(shape=(64, 64), channels=3, scales=2, angles=8, gray_levels=True)
model = fit(joint("scattering1", **options), field)

def colored(angles):
    with jax.set_mesh(device_mesh(angles=angles)) if angles else nullcontext():
        z = model.start(key=jax.random.key(0))
        slope = jax.jit(jax.grad(lambda z: model.loss(z)[0]))(z)
        return jax.device_get((slope, model.keeping(holed).target["colors"]))

alone = colored(None)
for angles in (4, 8):  # which share twelve directions evenly, and do not
    for name, a, b in zip(("slope", "kept"), colored(angles), alone):
        errors[f"{name} {angles}"] = float(np.linalg.norm(a - b) / np.linalg.norm(b))
options = dict(shape=(64, 64), channels=3, scales=3, angles=4)
model = fit(joint("spectra", **options), field)
alone, shared = sloped(None), sloped(4)
errors["spectra of channels"] = float(np.linalg.norm(shared - alone) / np.linalg.norm(alone))
fields = np.random.default_rng(0).standard_normal((16, 24, 24)).astype(np.float32)
alone = jax.device_get(scatter_local(fields, morlet_bank((24, 24), 2, 4)))
with jax.set_mesh(device_mesh(samples=8)):
    maps = scatter_local(fields, morlet_bank((24, 24), 2, 4))
    assert len(maps.sharding.device_set) == 8
errors["windowed"] = float(np.linalg.norm(maps - alone) / np.linalg.norm(alone))
alone = jax.device_get(scatter_rotations(fields, morlet_bank((24, 24), 2, 4)))
with jax.set_mesh(device_mesh(samples=8)):
    maps = scatter_rotations(fields, morlet_bank((24, 24), 2, 4))
    assert len(maps.sharding.device_set) == 8
errors["rotations"] = float(np.linalg.norm(maps - alone) / np.linalg.norm(alone))
for samples, angles in ((1, (8,)), (3, (4,)), (1, (8, 4)), (1, (5,)), (1, (7, 11))):
    mesh = common_mesh(None, samples=samples, angles=angles)
    shares.append(mesh and tuple(mesh.shape.values()))
with jax.set_mesh(device_mesh(angles=8)):
    try:
        scatter(np.zeros((32, 32), np.float32), morlet_bank((32, 32), 2, 4))
    except ValueError as error:
        print(error, file=sys.stderr)
print(json.dumps([errors, shares]))
"""


def test_eight_devices_give_the_result_of_one():
    folder = str(Path(__file__).parent)
    ended = subprocess.run(
        [sys.executable, "-c", VIRTUAL],
        capture_output=True,
        text=True,
        check=False,
        env={**ENVIRONMENT, "PYTHONPATH": folder, "JAX_PLATFORMS": "cpu"},
    )
    assert ended.returncode == 0, ended.stderr
    assert "8 devices of the mesh cannot share 4 angles evenly" in ended.stderr
    errors, shares = json.loads(ended.stdout)
    assert shares == [[1, 8], [3, 2], [1, 4], [1, 5], None]  # of a processor, if none are named
    assert len(errors) == 13
    assert max(errors.values()) <= 1e-4, errors


def test_the_command_uses_every_core(tmp_path):
    arguments = ["generate", "turbulence", "--size", "32", "--scales", "3", "--max-steps", "20"]
    arguments += ["--tolerance", "1e-9", "--device", "cpu"]
    fields, meshes = [], []
    for setting in ("4", "1"):
        out = tmp_path / setting
        ended = run_command(*arguments, "--out", str(out), JAX_NUM_CPU_DEVICES=setting)
        assert ended.returncode == 3, ended.stderr
        (folder,) = out.iterdir()
        meshes.append(json.loads((folder / "manifest.json").read_text())["mesh"])
        fields.append(np.load(folder / "fields.npz")["scattering"])
    assert meshes == [{"sample": 1, "angle": 4}, {}]
    assert distance(*fields) <= 1e-4


def test_a_mesh_that_is_set_is_that_of_a_run():
    options = Options("turbulence", size=32, scales=2, angles=2, models=("gaussian",), samples=3)
    with jax.set_mesh(device_mesh()):
        result = drain(generate(read(options), options))
    assert result.mesh == {"sample": 1, "angle": 1}


def free_port():
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


def test_two_processes_give_the_result_of_one(tmp_path):
    arguments = [sys.executable, "-c", MAIN, "generate", "turbulence", "--size", "32"]
    arguments += ["--scales", "3", "--samples", "2", "--max-steps", "15", "--tolerance", "1e-9"]
    arguments += ["--device", "cpu", "--no-cache"]
    job = {"JAX_COORDINATOR_ADDRESS": f"localhost:{free_port()}", "JAX_NUM_PROCESSES": "2"}
    processes = [
        subprocess.Popen(
            [*arguments, "--out", str(tmp_path / "two"), "--distributed", "--devices", "4"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**ENVIRONMENT, **job, "JAX_PROCESS_ID": str(rank)},
        )
        for rank in range(2)
    ]
    (out, _), (quiet, _) = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [3, 3]
    assert Path(out.splitlines()[-1]).parent == tmp_path / "two"
    assert str(tmp_path) not in quiet
    subprocess.run([*arguments, "--out", str(tmp_path / "one")], env=ENVIRONMENT, check=False)
    fields = [
        np.load(next((tmp_path / name).glob("*/fields.npz")))["scattering"]
        for name in ("one", "two")
    ]
    assert fields[0].shape == (2, 1, 32, 32)
    assert distance(fields[1], fields[0]) <= 1e-4


def test_a_picture_with_borders_is_measured_the_same_on_several_devices(tmp_path):
    arguments = ["generate", "foam", "--size", "64", "--periodic", "none", "--model", "full"]
    arguments += ["--scales", "3", "--max-steps", "10", "--tolerance", "1e-9", "--no-cache"]
    arguments += ["--device", "cpu"]
    fields = []
    for devices in ("1", "2"):
        out = tmp_path / devices
        ended = run_command(*arguments, "--devices", devices, "--out", str(out))
        assert ended.returncode == 3, ended.stderr
        fields.append(np.load(next(out.glob("*/fields.npz")))["full"])
    assert distance(fields[1], fields[0]) <= 1e-4
