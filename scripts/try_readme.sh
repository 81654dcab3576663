#!/usr/bin/env bash
# Does in a clone what a newcomer does, word for word: scripts/try_readme.sh FOLDER
# The commands are read from the README's section "Two commands", so that they cannot drift apart.
set -euo pipefail
cd "${1:?the folder of a clone}"

mapfile -t commands < <(sed -n '/^## Two commands/,/^## /p' README.md | sed -nE 's/^(make [a-z -]+[a-z]) *(#.*)?$/\1/p')
[ ${#commands[@]} -eq 2 ] || { echo "the README's section holds ${#commands[@]} commands, not two" >&2; exit 1; }

echo "$ ${commands[0]}"
card=$(${commands[0]} | tee /dev/stderr | tail -1)
[ -s "$card" ] || { echo "the last line of ${commands[0]} is no card: $card" >&2; exit 1; }
echo "$ ${commands[1]}"
${commands[1]}
