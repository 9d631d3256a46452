import type { VendorDeps } from "../../handlers/lib/vendors/deps.ts";
import type { VendorHarness } from "./vendor.ts";

/** What a {@link VendorHarness} does to a credential, and a client's way to read it. */
type Credential = Pick<VendorHarness, "credential" | "revokeCredential" | "rotateCredential"> &
  Pick<VendorDeps, "readToken">;

/** A credential that is cached until asked for afresh; `accept` has the vendor take this one and no other. */
export function createCredential(credential: string, accept: (value: string) => void): Credential {
  let newest = credential;
  let cached = credential;
  return {
    credential,
    readToken({ fresh = false } = {}) {
      if (fresh) cached = newest;
      return Promise.resolve(cached);
    },
    revokeCredential: () => accept("test-credential-of-nobody"),
    rotateCredential() {
      newest = "test-credential-rotated";
      accept(newest);
    },
  };
}
