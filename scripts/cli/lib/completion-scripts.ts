/** Shells that `fleet completion` knows. */
export const shells = ["bash", "zsh", "fish"] as const;

/** A shell that `fleet completion` knows. */
export type Shell = (typeof shells)[number];

/**
 * The script that has a shell complete `fleet`. It hands over the words as they were typed and evaluates none: a `$(…)`
 * in the line must not run because somebody presses Tab. It works when it is read twice, and needs no package.
 *
 * - bash: https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html
 * - zsh: https://zsh.sourceforge.io/Doc/Release/Completion-System.html
 * - fish: https://fishshell.com/docs/current/completions.html
 */
export const completionScripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion of fleet
_fleet_complete() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(fleet complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _fleet_complete fleet`,

  zsh: `#compdef fleet
_fleet() {
  local -a found
  local line value
  while IFS= read -r line; do
    value=\${line%%$'\\t'*}
    found+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
  done < <(fleet complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if ((\${#found})); then _describe fleet found; else _files; fi
}
if [ "$funcstack[1]" = _fleet ]; then _fleet "$@"; else compdef _fleet fleet; fi`,

  fish: `# fish completion of fleet
function __fleet_complete
  set -l words (commandline -opc) (commandline -ct)
  fleet complete -- $words[2..-1] 2>/dev/null
end
complete -c fleet -a '(__fleet_complete)'`,
};
