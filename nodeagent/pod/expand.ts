/** Replaces `$(NAME)` by the variable's value; `$$` is a dollar sign, and what is not known stays as it is. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, mark: string, name: string | undefined) => {
    if (mark === "$") return "$";
    return variables.get(name ?? "") ?? whole;
  });
}
