/** `stint/terminal`: the live view, for programs that run a supervisor of their own. */
export { type LiveView, openLiveView, type Screen, type Viewed, type ViewOptions } from "./view.ts"
