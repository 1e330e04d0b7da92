"""carrel-scholar: find published works and look them up, with their standing and their legal copies."""
