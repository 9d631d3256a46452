import { allowsOnlyBelow, allowsOnlyFrom } from "../version-constraint.ts";

/** How versions of the tfe provider learn of a new value of a write-only key. */
export type KeyChange = "by-hash" | "by-version";

/**
 * How the versions of hashicorp/tfe that this constraint allows learn of a new key; `undefined`: some in one way and
 * some in the other, so that no config fits all of them.
 *
 * - Below 0.75, `hmac_key_wo` and `token_wo` stand alone. The provider keeps an unsalted SHA-256 of the value in the
 *   state, and replaces the resource when the hash differs.
 * - Since 0.75, `hmac_key_wo` requires `hmac_key_wo_version`, and later `token_wo` requires `token_wo_version`. Those
 *   before know no such argument. 0.76 is the first release that was prepared after both changes.
 *
 * @param constraint the config's `providers.tfe`; left out: the version of our bindings, 0.71.0
 * @see pull requests 1992 and 2001 of https://github.com/hashicorp/terraform-provider-tfe; for the hash, its file
 *   `internal/provider/helpers/write_only.go`
 */
export function keyChange(constraint: string | undefined): KeyChange | undefined {
  if (constraint === undefined || allowsOnlyBelow(constraint, [0, 75, 0])) return "by-hash";
  return allowsOnlyFrom(constraint, [0, 76, 0]) ? "by-version" : undefined;
}
