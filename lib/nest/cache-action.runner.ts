import { Injectable, Logger } from '@nestjs/common';
import type { CacheAction } from './cache-action.js';
import type { GroupBinder } from './group-binder.js';
import { groupName } from './group-handle.js';
import type { AfterCommit } from './groupcache.options.js';

/** A call of a decorated method. */
export interface ActingCall {
  readonly actions: readonly CacheAction[];
  readonly instance: unknown;
  readonly args: readonly unknown[];
}

/**
 * Carries out what `@CachePut` and `@CacheEvict` say, in one application.
 *
 * It depends on nothing, so that every provider can depend on it; it is opened once the groups are made.
 */
@Injectable()
export class CacheActionRunner {
  #groups: GroupBinder | undefined;
  #afterCommit: AfterCommit = (run) => run();

  get isOpen(): boolean {
    return this.#groups !== undefined;
  }

  open(groups: GroupBinder, afterCommit: AfterCommit | undefined): void {
    this.#groups = groups;
    if (afterCommit !== undefined) this.#afterCommit = afterCommit;
  }

  /** Methods just run from now on. */
  close(): void {
    this.#groups = undefined;
  }

  /**
   * The outcome of a method, once what it calls for has been done, or been left to the transaction to be done after its
   * commit. Rejects with what the method rejects with, and nothing is done then; and with what failed, although the method
   * has succeeded.
   */
  async follow<Result>(outcome: Result, { actions, instance, args }: ActingCall): Promise<Awaited<Result>> {
    // The application may be closed while the method runs.
    const groups = this.#groups;
    const result = await outcome;
    if (groups === undefined) return result;
    const planned = actions
      .filter(({ when }) => when === undefined || when(result, ...args))
      .map(({ group, plan }) => {
        const typedGroup = groups.get(groupName(typeof group === 'function' ? group(instance) : group));
        const act = plan(result, args);
        return (): Promise<unknown> => act(typedGroup);
      });
    if (planned.length > 0) await this.#commit(() => allOf(planned.map((act) => act())));
    return result;
  }

  /** Has the hook run `act`. Who waits for the method is told how that ended, if it has begun while he was waiting. */
  async #commit(act: () => Promise<void>): Promise<void> {
    let isAnswered = false;
    let done: Promise<void> | undefined;
    let failure: { readonly error: unknown } | undefined;
    const attempt = async (): Promise<void> => {
      try {
        await act();
      } catch (error) {
        // Rejecting here would be an event emitter's, which ends the process.
        if (isAnswered)
          new Logger('Groupcache').error(`After a commit, a cache could not be changed: ${String(error)}`);
        else failure = { error };
      }
    };
    const run = (): Promise<void> => (done ??= attempt());
    try {
      await this.#afterCommit(run);
    } catch (error) {
      // What the method has changed stays changed: rather too early than never.
      await run();
      failure ??= { error };
    }
    await done;
    isAnswered = true;
    if (failure !== undefined) throw failure.error;
  }
}

/** Resolves once all have settled; rejects with what the first of those that have failed rejects with. */
export async function allOf(promises: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(promises);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
