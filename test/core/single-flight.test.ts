import type { Flight, FlightGuest, OpenFlight } from '../../lib/core/shared-flight.js';
import { SingleFlight } from '../../lib/core/single-flight.js';
import { describe, expect, it } from 'vitest';
import { deferred, reactions, stateOf } from './deferred.js';

const abandoned = new Error('nobody waits');

function createFlights(): SingleFlight<string> {
  return new SingleFlight<string>(() => abandoned);
}

function createGuest(): FlightGuest<string> & { told: unknown[] } {
  const told: unknown[] = [];
  return { told, landed: (value) => told.push(value), crashed: (error) => told.push(error) };
}

describe('SingleFlight', () => {
  it('TestDo: resolves to what the load gives', async () => {
    await expect(createFlights().run('key', () => Promise.resolve('bar'))).resolves.toBe('bar');
  });

  it('TestDoErr: rejects with what the load rejects with', async () => {
    const error = new Error('some error');

    await expect(createFlights().run('key', () => Promise.reject(error))).rejects.toBe(error);
  });

  it('TestDoDupSuppress: runs one load for all that ask meanwhile', async () => {
    const flights = createFlights();
    const load = deferred<string>();
    let calls = 0;
    const run = (): Promise<string> =>
      flights.run('key', () => {
        calls++;
        return load.promise;
      });

    const answers = Promise.all(Array.from({ length: 10 }, run));
    load.resolve('bar');

    expect(await answers).toEqual(Array.from({ length: 10 }, () => 'bar'));
    expect(calls).toBe(1);
  });

  it('runs loads of different keys side by side', async () => {
    const flights = createFlights();
    const [one, two] = [deferred<string>(), deferred<string>()];
    const first = flights.run('1', () => one.promise);
    const second = flights.run('2', () => two.promise);

    expect(flights.size).toBe(2);
    two.resolve('b');
    expect(await second).toBe('b');
    expect(flights.has('1')).toBe(true);
    expect(flights.has('2')).toBe(false);
    one.resolve('a');
    expect(await first).toBe('a');
    expect(flights.size).toBe(0);
  });

  it('loads afresh after a flight has settled, well or badly', async () => {
    const flights = createFlights();

    await expect(flights.run('key', () => Promise.reject(new Error('first')))).rejects.toThrow('first');
    expect(await flights.run('key', () => Promise.resolve('second'))).toBe('second');
    expect(await flights.run('key', () => Promise.resolve('third'))).toBe('third');
  });

  it('counts a synchronous throw as a rejection and forgets the flight', async () => {
    const flights = createFlights();
    const error = new Error('at once');

    const run = flights.run('key', () => {
      throw error;
    });

    await expect(run).rejects.toBe(error);
    expect(flights.size).toBe(0);
  });

  it('joins the flight that is being started when a load asks for its own key', async () => {
    const flights = createFlights();
    let inner: Promise<string> | undefined;

    const outer = flights.run('key', () => {
      inner = flights.run('key', () => Promise.reject(new Error('a second load')));
      return Promise.resolve('one');
    });

    expect(await outer).toBe('one');
    expect(await inner).toBe('one');
  });

  it('has forgotten the flight by the time its callers go on', async () => {
    const flights = createFlights();

    await flights.run('key', () => Promise.resolve('a')).then(() => expect(flights.has('key')).toBe(false));
  });

  it('lets a caller go when its signal aborts, and the others wait on', async () => {
    const flights = createFlights();
    const load = deferred<string>();
    const leaver = new AbortController();
    let flight: Flight | undefined;
    const first = flights.run('key', (started) => ((flight = started), load.promise), leaver.signal);
    const second = flights.run('key', () => load.promise);
    const third = flights.run('key', () => load.promise, new AbortController().signal);

    leaver.abort(new Error('first has had enough'));

    await expect(first).rejects.toThrow('first has had enough');
    expect(flight?.isAborted).toBe(false);
    load.resolve('value');
    expect(await second).toBe('value');
    expect(await third).toBe('value');
  });

  it('aborts the flight when the last caller leaves, and loads afresh for the next', async () => {
    const flights = createFlights();
    const load = deferred<string>();
    const [one, two] = [new AbortController(), new AbortController()];
    let flight: Flight | undefined;
    const first = flights.run('key', (started) => ((flight = started).signal, load.promise), one.signal);
    const second = flights.run('key', () => load.promise, two.signal);

    one.abort();
    expect(flight?.isAborted).toBe(false);
    two.abort();

    await expect(first).rejects.toThrow('aborted');
    await expect(second).rejects.toThrow('aborted');
    expect(flight?.signal.reason).toBe(abandoned);
    expect(flights.has('key')).toBe(false);
    expect(await flights.run('key', () => Promise.resolve('new'))).toBe('new');
  });

  it('does not let an abandoned load take the next flight off the table', async () => {
    const flights = createFlights();
    const [old, next] = [deferred<string>(), deferred<string>()];
    const leaver = new AbortController();
    const first = flights.run('key', (flight) => (flight.signal, old.promise), leaver.signal);
    leaver.abort();
    await expect(first).rejects.toThrow();
    const second = flights.run('key', () => next.promise);

    old.resolve('old');
    await reactions();

    expect(flights.has('key')).toBe(true);
    expect(await stateOf(second)).toBe('pending');
    next.resolve('new');
    expect(await second).toBe('new');
  });

  it('keeps a load that never looked at its signal for the next caller, since it could not be stopped', async () => {
    // Callers that timed out and tried again once started one run each of a slow getter.
    const flights = createFlights();
    const load = deferred<string>();
    const leaver = new AbortController();
    let runs = 0;
    const start = (): Promise<string> => (runs++, load.promise);
    const first = flights.run('key', start, leaver.signal);
    leaver.abort();
    await expect(first).rejects.toThrow('aborted');

    const second = flights.run('key', start);
    load.resolve('value');

    expect(await second).toBe('value');
    expect(runs).toBe(1);
  });

  it('takes a signal behind many keys without a warning', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): number => warnings.push(warning);
    process.on('warning', listen);
    const flights = createFlights();
    const load = deferred<string>();
    const request = new AbortController();

    const waits = Array.from({ length: 50 }, (_, key) => flights.run(`${key}`, () => load.promise, request.signal));
    load.resolve('value');
    await Promise.all(waits);
    await new Promise((resolve) => setImmediate(resolve));

    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('never gives up a flight for which a caller without a signal waits', async () => {
    const flights = createFlights();
    const load = deferred<string>();
    const leaver = new AbortController();
    const first = flights.run('key', () => load.promise, leaver.signal);
    const second = flights.run('key', () => load.promise);

    leaver.abort();
    load.resolve('value');

    await expect(first).rejects.toThrow();
    expect(await second).toBe('value');
  });

  it('turns away a caller whose signal has aborted before, without a load', async () => {
    const flights = createFlights();
    const load = deferred<string>();
    const signal = AbortSignal.abort(new Error('too late'));
    let calls = 0;
    const run = (withSignal?: AbortSignal): Promise<string> =>
      flights.run('key', () => (calls++, load.promise), withSignal);

    await expect(run(signal)).rejects.toThrow('too late');
    expect(calls).toBe(0);
    const waiting = run();
    await expect(run(signal)).rejects.toThrow('too late');
    load.resolve('value');

    expect(await waiting).toBe('value');
    expect(calls).toBe(1);
  });

  it('gives the rejection to callers with a signal too, and leaves no listener on it', async () => {
    const flights = createFlights();
    const error = new Error('no');
    const controller = new AbortController();
    const load = deferred<string>();
    let flight: Flight | undefined;
    const run = flights.run('key', (started) => ((flight = started), load.promise), controller.signal);

    load.reject(error);

    await expect(run).rejects.toBe(error);
    controller.abort();
    expect(flight?.isAborted).toBe(false);
  });

  it('lets a caller go in the very moment in which the load has settled', async () => {
    const flights = createFlights();
    const controller = new AbortController();
    const load = deferred<string>();
    const run = flights.run('key', () => load.promise, controller.signal);
    void load.promise.then(() => controller.abort(new Error('a moment too late')));

    load.resolve('value');

    await expect(run).rejects.toThrow('a moment too late');
    expect(flights.size).toBe(0);
  });

  it('aborts by hand with the reason given, and makes its signal only when asked', async () => {
    const flights = createFlights();
    const reason = new Error('deadline');

    const run = flights.run('key', (flight) => {
      expect(flight.isAborted).toBe(false);
      flight.abort(reason);
      return Promise.reject(flight.signal.reason as Error);
    });

    await expect(run).rejects.toBe(reason);
  });

  it('is not an unhandled rejection when nobody is left to see a load fail', async () => {
    const flights = createFlights();
    const load = deferred<string>();
    const leaver = new AbortController();
    const run = flights.run('key', () => load.promise, leaver.signal);
    leaver.abort();
    await expect(run).rejects.toThrow();

    load.reject(new Error('late'));

    // Vitest fails a run in which a rejection is not handled.
    await reactions();
  });
});

describe('SingleFlight.board', () => {
  it('tells guests and those who wait by a promise of one load', async () => {
    const flights = createFlights();
    const [one, two] = [createGuest(), createGuest()];
    let flight: OpenFlight<string> | undefined;
    flights.board('key', (started) => (flight = started), one);
    const waiting = flights.fly('key', () => expect.fail('a second load'));
    flights.board('key', () => expect.fail('a third load'), two);

    flight!.resolve('value');

    expect([one.told, two.told]).toEqual([['value'], ['value']]);
    expect(await waiting).toBe('value');
    expect(flights.size).toBe(0);
  });

  it('tells a guest of a load that ends at once, well or badly', () => {
    const flights = createFlights();
    const [well, badly] = [createGuest(), createGuest()];
    const error = new Error('no');

    flights.board('well', (flight) => flight.resolve('value'), well);
    const leave = flights.board(
      'badly',
      () => {
        throw error;
      },
      badly,
    );
    leave();

    expect([well.told, badly.told]).toEqual([['value'], [error]]);
  });

  it('aborts the flight when the last guest leaves, and tells no one who has left', () => {
    const flights = createFlights();
    const [one, two] = [createGuest(), createGuest()];
    let flight: OpenFlight<string> | undefined;
    const leaveFirst = flights.board('key', (started) => ((flight = started), started.onAbort(() => undefined)), one);
    const leaveSecond = flights.board('key', () => undefined, two);

    leaveFirst();
    leaveFirst();
    expect(flight!.isAborted).toBe(false);
    leaveSecond();

    expect(flight!.signal.reason).toBe(abandoned);
    expect(flights.has('key')).toBe(false);
    flight!.resolve('value');
    expect([one.told, two.told]).toEqual([[], []]);
  });

  it('waits on for a caller with a signal, and he for the guests', async () => {
    const flights = createFlights();
    const caller = new AbortController();
    let flight: OpenFlight<string> | undefined;
    const leave = flights.board(
      'key',
      (started) => ((flight = started), started.onAbort(() => undefined)),
      createGuest(),
    );
    const waiting = flights.fly('key', () => undefined, caller.signal);

    leave();
    expect(flight!.isAborted).toBe(false);
    caller.abort(new Error('enough'));

    await expect(waiting).rejects.toThrow('enough');
    expect(flight!.isAborted).toBe(true);
  });
});
