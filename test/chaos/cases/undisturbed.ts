import type { ChaosCase } from '../chaos-case.js';
import { disturb, figuresOf } from '../course.js';

export const undisturbed: ChaosCase = {
  name: 'undisturbed',
  what: 'nothing is wrong',
  async run(cluster) {
    return figuresOf(await disturb(cluster, { victims: [], begin: async () => undefined }));
  },
};
