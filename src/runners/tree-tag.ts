/**
 * The mark every process of a tree inherits: `STINT_TREE` in its environment.
 *
 * The value is a path of tags, outermost first, joined by `:`. A Stint inside an agent of another
 * Stint appends to it, so the outer one still recognises what the inner one started.
 */
export const TREE_TAG = "STINT_TREE"

const PREFIX = `${TREE_TAG}=`

/** The value for a child: what we carry ourselves, then the child's own tag. */
export const childTagPath = (ownPath: string | undefined, tag: string): string =>
  ownPath ? `${ownPath}:${encodeTag(tag)}` : encodeTag(tag)

/** The tags an environment carries, given as `NAME=value` words. */
export const tagsIn = (environment: readonly string[]): readonly string[] => {
  const word = environment.find((each) => each.startsWith(PREFIX))
  return word === undefined ? [] : word.slice(PREFIX.length).split(":").map(decodeTag)
}

/** Leaves no `:` and no blank in a tag, so a path splits and `ps` output parses. */
const encodeTag = (tag: string): string => encodeURIComponent(tag)

const decodeTag = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
