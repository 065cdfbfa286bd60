"""``synth classify``: how well classes of pictures are told apart, and which class a picture is."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth.app import arguments as args
from synth.app.arguments import DeviceName
from synth.app.commands._settle import settle
from synth.errors import InputError

__all__ = ["classify"]

if TYPE_CHECKING:  # they import what is heavy, and scikit-learn, which is an extra
    from synth.app.classes import Settings
    from synth.app.display import Display

Report = tuple[Callable[[], None], Path]


def classify(
    source: args.Source,
    images: args.Unknown = None,
    save: args.Save = None,
    rotations: args.Rotations = False,
    windows: args.Windows = False,
    scales: args.ClassScales = None,
    angles: args.ClassAngles = None,
    size: args.ClassSize = None,
    gray: args.Gray = False,
    folds: args.Folds = 5,
    seed: args.FoldsSeed = 0,
    out: args.Out = Path("outputs"),
    device: args.Device = DeviceName.AUTO,
) -> None:
    """Tell classes of pictures apart by scattering, beside power spectrum and gray levels.

    Of a FOLDER: errors of cross-validation, each class an affine space of coefficients, and
    OUT/<name>-classes-<time>/ with confusion.png and classes.json. Of a MODEL: the classes of
    IMAGES, and OUT/<name>-classified-<time>/ with classes.json. Pictures that cannot be read are
    named and skipped.
    """
    asked: dict[str, Any] = dict(size=size, gray=gray, scales=scales, angles=angles, folds=folds)
    asked |= dict(rotations=rotations, windows=windows, seed=seed)
    if find_spec("sklearn") is None:
        raise InputError(
            "Classes need scikit-learn, which is not installed: pip install 'synth[classify]'."
        )
    if not source.exists():
        raise InputError(
            f"There is no {source}: give a folder with a subfolder of pictures per class, or a "
            "classifier that --save wrote."
        )
    if source.is_dir():
        if out.resolve().is_relative_to(source.resolve()):
            raise InputError(
                f"The folder {out} lies within {source}, where it would be a class: choose another "
                "by --out."
            )
        if images:
            raise InputError(
                f"{source} is a folder of classes and takes no further pictures: save a classifier "
                "with --save, then give its file and them."
            )
    from synth.app.display import Display

    with Display() as display:
        display.phase("loading")
        settle(device.value, 1)
        from synth.app.classes import Settings
        from synth.app.folders import check_folder

        settings = Settings(**asked)
        if source.is_dir():
            check_folder(out)
            table, folder = _learn(display, source, settings, save=save, out=out)
        else:
            given = [*settings.changed, *(["save"] if save else [])]
            if given:
                raise InputError(
                    f"A classifier that is kept has its settings: leave out --{given[0]}, or give "
                    "a folder of classes."
                )
            table, folder = _find(display, source, images or [], out=out)
    table()
    print(folder)


def _learn(
    display: "Display", source: Path, settings: "Settings", *, save: Path | None, out: Path
) -> Report:
    """Judge a folder of classes, and keep a classifier if that was asked for."""
    from synth.app import classes
    from synth.app.display import error_table
    from synth.app.folders import check_folder
    from synth.learning import kept

    if save:
        kept.check_path(save)
        check_folder(save.absolute().parent)
    album = display.phases(classes.album_of(source, settings))
    display.skipped(album.pictures)
    verdict = display.phases(classes.judge(album, settings))
    display.phase("writing")
    classifier = classes.learn(verdict) if save else None
    folder = classes.write(verdict, out)
    if save and classifier:
        kept.save(classifier, save)
        display.say(f"The classifier is kept in {save}.")
    return partial(error_table, verdict), folder


def _find(display: "Display", source: Path, images: list[Path], *, out: Path) -> Report:
    """Find the classes of pictures."""
    from synth.app import classes
    from synth.app.display import class_table
    from synth.app.folders import check_folder
    from synth.learning import kept

    classifier = kept.load(source)
    if not images:
        raise InputError(f"No pictures were given: name those whose classes {source} finds.")
    check_folder(out)
    pictures = display.phases(classes.read_for(classifier, images))
    display.skipped(pictures)
    found = classes.classified(classifier, pictures)
    folder = classes.write_found(found, pictures, name=source.stem, parent=out)
    return partial(class_table, found), folder
