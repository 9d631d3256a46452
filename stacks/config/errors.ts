/** Everything that is wrong with the config, one line each, for a person to read. Holds no value of a secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(readonly errors: readonly string[]) {
    super(errors.join("\n"));
  }

  /** What only making a stack tells is wrong with a key, as "must …". @param path dotted, without the file */
  static at(path: string, message: string): ConfigError {
    return new ConfigError([`${path}: ${message}`]);
  }

  /** The same of a file, whose name {@link at} does not know. */
  in(file: string): ConfigError {
    return new ConfigError(this.errors.map((error) => `${file}: ${error}`));
  }
}
