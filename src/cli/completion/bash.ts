import {
  type CompletedCommand,
  type CompletedOption,
  completedCommands,
  executorOptions,
  firstWords,
  type Value,
} from './grammar';

/** Without programs of others: it works where the package bash-completion is not installed. */
const COMMON = `# The words up to the cursor: bash breaks them at : and = too.
__fdgraft_words() {
  local rest=\${COMP_LINE:0:COMP_POINT} word bare i
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    bare=\${rest#"\${rest%%[![:space:]]*}"}
    word=\${COMP_WORDS[i]}
    ((i < COMP_CWORD)) || word=$bare
    if ((i > 0)) && [[ $bare == "$rest" ]]; then
      words[\${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
    rest=\${bare#"$word"}
  done
}

# Offers those of the arguments that begin with the current word.
__fdgraft_offer() {
  local word before=
  [[ -z $inline || $COMP_WORDBREAKS == *=* ]] || before=$option=
  for word; do
    [[ $word != "$cur"* ]] || COMPREPLY+=("$before$word")
  done
}

__fdgraft_no_files() {
  compopt +o default 2>/dev/null
}

__fdgraft_directories() {
  compopt +o default -o dirnames 2>/dev/null
}

# The specs come quoted, and cut to what readline replaces.
__fdgraft_specs() {
  local word
  __fdgraft_no_files
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(command fdgraft completion bash -- "$COMP_WORDBREAKS" "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
}
`;

/** In a file of its own for each of the two, since bash-completion loads them by the name of the command. */
export function bashScripts(): { readonly fdgraft: string; readonly executor: string } {
  return { fdgraft: `${COMMON}\n${fdgraftPart()}`, executor: `${COMMON}\n${executorPart()}` };
}

export function bashScript(): string {
  return `${COMMON}\n${fdgraftPart()}\n${executorPart()}`;
}

const patterns = (names: readonly string[]) => names.join('|');

function action({ kind, choices }: Value): string {
  if (kind === 'choice') return `__fdgraft_no_files; __fdgraft_offer ${choices.join(' ')}`;
  if (kind === 'spec') return '__fdgraft_specs';
  if (kind === 'directory') return '__fdgraft_directories';
  return kind === 'file' ? ':' : '__fdgraft_no_files';
}

function valuesOf(options: readonly CompletedOption[], indent: string): string[] {
  return options.flatMap(({ names, value }) =>
    value === undefined ? [] : [`${indent}${patterns(names)}) ${action(value)} ;;`],
  );
}

/** The options that take the next word. */
function valued(options: readonly CompletedOption[]): string {
  return options.flatMap(({ names, value }) => (value === undefined || value.isOptional ? [] : names)).join(' ');
}

const namesOf = (options: readonly CompletedOption[]) => options.flatMap(({ names }) => names).join(' ');

function tableRow({ words, options }: CompletedCommand): string {
  return `    '${words.join(' ')}') options='${namesOf(options)}' valued='${valued(options)}' ;;`;
}

function positionalsOf({ words, positionals }: CompletedCommand): string[] {
  return positionals.flatMap((value, i) =>
    value.kind === 'choice' ? [`    '${words.join(' ')} ${i}') ${action(value)} ;;`] : [],
  );
}

function fdgraftPart(): string {
  const commands = completedCommands();
  const below = commands.filter(({ words }) => words.length > 1).map(({ words }) => words[1]);
  const values = commands.flatMap(({ words, options }) => [
    `      '${words.join(' ')}')`,
    '        case $option in',
    ...valuesOf(options, '          '),
    '        esac',
    '        ;;',
  ]);
  return `__fdgraft_table() {
  options='--help --version' valued=
  case $command in
${commands.map(tableRow).join('\n')}
  esac
}

_fdgraft() {
  local words cur option= inline= command= options valued places=0 i word
  COMPREPLY=()
  __fdgraft_words
  cur=\${words[\${#words[@]}-1]}
  __fdgraft_table
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    word=\${words[i]}
    if [[ -n $option ]]; then
      option=
    elif [[ $word == -* ]]; then
      [[ " $valued " != *" $word "* ]] || option=$word
    elif [[ -z $command || $command == batch ]]; then
      command=\${command:+$command }$word
      __fdgraft_table
    else
      ((places += 1))
    fi
  done
  if [[ -z $option && $cur == --*=* ]]; then
    option=\${cur%%=*} cur=\${cur#*=} inline=1
  fi
  if [[ -n $option ]]; then
    case $command in
${values.join('\n')}
    esac
    return
  fi
  if [[ $cur == -* ]]; then
    __fdgraft_no_files
    __fdgraft_offer $options
    return
  fi
  case "$command $places" in
    ' 0') __fdgraft_no_files; __fdgraft_offer ${firstWords()
      .map(({ word }) => word)
      .join(' ')} ;;
    'batch 0') __fdgraft_no_files; __fdgraft_offer ${below.join(' ')} ;;
${commands.flatMap(positionalsOf).join('\n')}
  esac
}
complete -o default -F _fdgraft fdgraft
`;
}

function executorPart(): string {
  const options = executorOptions();
  return `_fdgraft_exec() {
  local words cur option= inline= valued='${valued(options)}' i word
  COMPREPLY=()
  __fdgraft_words
  cur=\${words[\${#words[@]}-1]}
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    word=\${words[i]}
    if [[ -n $option ]]; then
      option=
    elif [[ $word == -- || $word != -* ]]; then
      [[ $word != -- ]] || ((i += 1))
      if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$i"
      elif declare -F _command_offset >/dev/null; then
        _command_offset "$i"
      fi
      return
    else
      [[ " $valued " != *" $word "* ]] || option=$word
    fi
  done
  if [[ -z $option && $cur == --*=* ]]; then
    option=\${cur%%=*} cur=\${cur#*=} inline=1
  fi
  if [[ -n $option ]]; then
    case $option in
${valuesOf(options, '      ').join('\n')}
    esac
  elif [[ $cur == -* ]]; then
    __fdgraft_no_files
    __fdgraft_offer ${namesOf(options)}
  else
    __fdgraft_no_files
    while IFS= read -r word; do
      COMPREPLY+=("$word")
    done < <(compgen -c -- "$cur")
  fi
}
complete -o default -F _fdgraft_exec fdgraft-exec
`;
}
