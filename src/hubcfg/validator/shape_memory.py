"""Checks the shape of files, but not of those whose contents are known to fit their schemas."""

from collections.abc import Callable, Iterable, Iterator

from hubcfg.parser.document import ParsedFile
from hubcfg.validator.shape import Shaped, document_kinds
from hubcfg.validator.validate import ShapedFile

ShapeFile = Callable[[ParsedFile], ShapedFile]


class ShapeMemory:
    """Stands for `map` where `validate_documents` checks shapes; `fitting` are the digests of contents that fit, and grows."""

    def __init__(self, fitting: set[bytes]) -> None:
        self._fitting = fitting

    def __call__(self, shape_file: ShapeFile, files: Iterable[ParsedFile]) -> Iterator[ShapedFile]:
        """Yields the shaped documents of each file, as `shape_file` gives them."""
        kinds, fitting = document_kinds(), self._fitting
        for file in files:
            if file.key in fitting:
                # A document that fits is a map with a known kind, or empty and nothing at all.
                shaped = [Shaped(one, kinds[one.value["kind"]], one.value) for one in file.documents if one.value]  # type: ignore[call-overload,index,arg-type]  # as said
                yield shaped, [], False
            else:
                one = shape_file(file)
                if file.key and not one[1] and not one[2]:
                    fitting.add(file.key)
                yield one
