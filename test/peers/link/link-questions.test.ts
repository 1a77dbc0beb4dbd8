import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PeerAnswer, PeerRequest } from '../../../lib/core/peer-picker.js';
import { LinkQuestions } from '../../../lib/peers/link/link-questions.js';

/** Questions, with what has gone out for them: `get 0`, `cancel 0`. */
function openQuestions(): { questions: LinkQuestions; sent: string[]; write: (id: number) => void } {
  const sent: string[] = [];
  const questions = new LinkQuestions({
    peer: 'http://10.0.0.2:3000',
    maxValueBytes: 1024 * 1024,
    cancel: (id) => sent.push(`cancel ${id}`),
    onIdle: () => undefined,
  });
  return { questions, sent, write: (id) => sent.push(`get ${id}`) };
}

function request(overrides: Partial<PeerRequest> = {}): PeerRequest {
  return { group: 'g', key: 'k', timeoutMs: 1_000, signal: new AbortController().signal, ...overrides };
}

function answerOf(outcomes: unknown[]): PeerAnswer {
  return { answered: (reply) => outcomes.push(reply), failed: (error) => outcomes.push(error) };
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

describe('LinkQuestions', () => {
  it('does not send a question whose signal has aborted', () => {
    const { questions, sent, write } = openQuestions();
    const reason = new Error('gone');
    const outcomes: unknown[] = [];

    questions.ask(request({ signal: AbortSignal.abort(reason) }), answerOf(outcomes), write);

    expect(outcomes).toEqual([reason]);
    expect([sent, questions.open]).toEqual([[], 0]);
  });

  it('cancels a question that is given up at once after it has sent it', () => {
    const { questions, sent, write } = openQuestions();
    const reason = new Error('gone');
    const outcomes: unknown[] = [];

    questions.ask(request({ onAbort: (listener) => listener(reason) }), answerOf(outcomes), write);

    expect(outcomes).toEqual([reason]);
    expect(sent).toEqual(['get 0', 'cancel 0']);
  });

  it('fails each at its own deadline, one that is asked when another fails among them', () => {
    const { questions, write } = openQuestions();
    const late: string[] = [];
    const fails = (name: string, then?: () => void): PeerAnswer => ({
      answered: () => undefined,
      failed: () => {
        late.push(`${name} at ${performance.now() - startMs}`);
        then?.();
      },
    });
    const startMs = performance.now();
    questions.ask(request({ timeoutMs: 100 }), fails('long'), write);
    questions.ask(
      request({ timeoutMs: 10 }),
      fails('short', () => questions.ask(request({ timeoutMs: 5 }), fails('later'), write)),
      write,
    );

    vi.advanceTimersByTime(200);

    expect(late).toEqual(['short at 10', 'later at 15', 'long at 100']);
  });

  it('does not keep the context of whoever has asked for its timer', () => {
    const tenant = new AsyncLocalStorage<string>();
    const { questions, write } = openQuestions();
    vi.useRealTimers();
    return new Promise<void>((resolve) => {
      const failed = (): void => {
        expect(tenant.getStore()).toBeUndefined();
        resolve();
      };
      const ask = (): void => questions.ask(request({ timeoutMs: 5 }), { answered: () => undefined, failed }, write);
      tenant.run('tenant 7', ask);
      // The timer does not hold the process.
      setTimeout(() => undefined, 100);
    });
  });
});
