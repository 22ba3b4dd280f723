/** As far as it is used here: asterisk-manager 0.2.0 brings no types. */
declare module 'asterisk-manager' {
  /** Without a port it does not connect by itself. */
  class Manager {
    constructor(port: undefined, host: string, user: string, password: string, events: boolean);
    on(event: 'connect' | 'close', listener: () => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    on(event: 'managerevent', listener: (event: Manager.Message) => void): void;
    connect(port: number, host: string, connected?: () => void): void;
    login(done: (error?: Manager.Message) => void): void;
    action(
      fields: Record<string, string>,
      done: (error: Manager.Message | undefined, reply: Manager.Message) => void,
    ): string;
    disconnect(): void;
  }

  namespace Manager {
    interface Message {
      readonly [name: string]: unknown;
    }
  }

  export = Manager;
}
