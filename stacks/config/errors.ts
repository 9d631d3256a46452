/** All errors in the config, one line each, for a person to read. Contains no values of secrets. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(readonly errors: readonly string[]) {
    super(errors.join("\n"));
  }

  /** An error that shows only while a stack is made, as "must …". @param path of the key, dotted, without the file */
  static at(path: string, message: string): ConfigError {
    return new ConfigError([`${path}: ${message}`]);
  }

  /** The same errors with the name of their file in front, for an error from {@link at}. */
  in(file: string): ConfigError {
    return new ConfigError(this.errors.map((error) => `${file}: ${error}`));
  }
}

/** A command names a stack that has no config file. The configs themselves may be right. */
export class UnknownStackError extends ConfigError {}
