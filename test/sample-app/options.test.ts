import { describe, expect, it } from 'vitest';
import { readOptions } from '../../sample-app/cluster/options.js';

describe('readOptions', () => {
  it('has a default for everything', () => {
    expect(readOptions([], {})).toEqual({
      port: 3000,
      dataFolder: expect.stringMatching(/[\\/]\.data$/),
      databaseUrl: undefined,
      isQuiet: false,
    });
  });

  it('reads the command line, in either spelling', () => {
    expect(readOptions(['--port', '0', '--data=there', '--quiet'], {})).toMatchObject({
      port: 0,
      dataFolder: 'there',
      isQuiet: true,
    });
  });

  it('reads the environment, which the command line overrules', () => {
    const env = { ATLAS_DATA: 'from the environment', DATABASE_URL: 'postgres://host/name' };

    expect(readOptions([], env)).toMatchObject({
      dataFolder: 'from the environment',
      databaseUrl: 'postgres://host/name',
    });
    expect(readOptions(['--data', 'there'], env)).toMatchObject({ dataFolder: 'there' });
  });

  it('takes an empty variable for one that is not set', () => {
    const options = readOptions([], { ATLAS_DATA: '', DATABASE_URL: '' });

    expect(options).toEqual(readOptions([], {}));
  });

  it('is undefined when help is asked for', () => {
    expect(readOptions(['--help'], {})).toBeUndefined();
  });

  it.each(['banana', '-1', '3000.5', '1e3', '65536', ' 80', ''])(
    'refuses the port "%s", and says what is allowed',
    (port) => {
      expect(() => readOptions([`--port=${port}`], {})).toThrow(`--port must be 0 to 65535, not "${port}"`);
    },
  );

  it('refuses a data folder without a name', () => {
    expect(() => readOptions(['--data='], {})).toThrow('--data must name a folder');
  });

  it.each([
    ['--prot', ['--prot', '3000']],
    ['--port', ['--port']],
    ['3000', ['3000']],
    ['--quiet', ['--quiet=yes']],
  ])('names %s, which it does not understand', (named, args) => {
    expect(() => readOptions(args, {})).toThrow(named);
  });

  it.each(['not a url', 'mysql://host/name'])('refuses the DATABASE_URL "%s"', (url) => {
    expect(() => readOptions([], { DATABASE_URL: url })).toThrow(
      'DATABASE_URL must be postgres://user:password@host/database',
    );
  });
});
