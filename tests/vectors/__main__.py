"""Write the generated test vectors and data of the flags contract."""

from __future__ import annotations

from tests.vectors.generated import write_files

if __name__ == "__main__":
    write_files()
