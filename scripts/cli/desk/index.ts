export { deskClientsIn } from "./clients.ts";
export { fleetOf, readPicture } from "./picture.ts";
export { statusOf } from "./status.ts";
export { statusLine, statusText } from "./status-text.ts";
