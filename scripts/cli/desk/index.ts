export { deskClientsIn } from "./clients.ts";
export { diagnose } from "./doctor/index.ts";
export { findingsText } from "./doctor/text.ts";
export { createFollower } from "./logs/follow.ts";
export { lineAsJson, renderLine } from "./logs/render.ts";
export { sourcesOf } from "./logs/sources.ts";
export { fleetOf, readPicture } from "./picture.ts";
export { statusOf } from "./status.ts";
export { statusLine, statusText } from "./status-text.ts";
