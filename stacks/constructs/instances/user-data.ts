import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Construct } from "constructs";
import { Fn, TerraformLocal } from "#cdktf";
import { ConfigError } from "../../config/errors.ts";
import { type TerraformText, terraformText } from "../terraform-text.ts";

/** EC2's limit for user data, before encoding. */
const maxBytes = 16_384;
/** Terraform gzips with Go, whose result is up to half a percent larger than Node's and differs between versions. */
const margin = 1.02;
/** The longest value of a Terraform expression: an ARN of a secret with a long name. */
const longestExpression = 160;

/**
 * The boot program of an instance in the form that a launch template takes: settings, the library, the vendor's
 * scripts. Terraform gzips it, because only Terraform knows the values of some settings. See agents/ec2/README.md.
 *
 * @param props.everyStart whether cloud-init runs it at every start of the host, and not once. In a warm pool AWS stops
 *   a host without waiting for its first run.
 * @param props.settings by variable: escaped text of configs (`terraformTexts`), or Terraform expressions
 * @param props.files paths below `agents/`
 * @throws ConfigError if the program is too long for EC2
 */
export function instanceUserData(
  scope: Construct,
  props: {
    readonly settings: Readonly<Record<string, string>>;
    readonly files: readonly string[];
    readonly everyStart: boolean;
  },
): string {
  const text =
    (props.everyStart ? "#cloud-boothook\n" : "") +
    bootProgram(props.settings, ["ec2/life.sh", "ec2/outbound.sh", ...props.files]);
  const bytes = Math.ceil(gzipSync(filledIn(text)).byteLength * margin);
  if (bytes > maxBytes) {
    const [longest = ""] = Object.entries(props.settings).sort((a, b) => b[1].length - a[1].length)[0] ?? [];
    throw ConfigError.at(
      "vendor",
      `must be shorter: the boot program of the instances may have ${bytes} bytes, and EC2 takes ${maxBytes}. ` +
        `Shorten what becomes ${longest}, the longest of its settings`,
    );
  }
  return Fn.base64gzip(new TerraformLocal(scope, "boot-program", text).asString);
}

/** A bash program: the settings in single quotes, in which bash expands nothing, then the files. */
export function bootProgram(settings: Readonly<Record<string, string>>, files: readonly string[]): TerraformText {
  const lines = Object.entries(settings).map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'\n`);
  const scripts = ["ec2/library.sh", ...files].map((file) =>
    terraformText(withoutComments(readFileSync(new URL(`../../../agents/${file}`, import.meta.url), "utf8"))),
  );
  return ["#!/bin/bash\n", ...lines, ...scripts].join("") as TerraformText;
}

/** A script of `agents/` without the lines that are comments, for which there is no room, but for the first. */
export function withoutComments(script: string): string {
  return script.replaceAll(/(?<=\n)[ \t]*# .*\n/g, "");
}

/** Replaces each expression by text that hardly compresses. */
function filledIn(text: string): string {
  let seed = 1;
  const noise = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return String.fromCharCode(33 + (seed % 90));
  };
  return text.replaceAll(/(?<!\$)\$\{[^}]*\}/g, () => Array.from({ length: longestExpression }, noise).join(""));
}
