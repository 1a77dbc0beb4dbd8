import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Cached, defineGroup } from 'nestjs-groupcache';
import type { Repository } from 'typeorm';
import { City } from '../cities/city.entity.js';
import { StatementLog } from '../database/statement-log.js';
import type { CountrySummary, LargestCity } from './country-summary.js';

/** Countries' summaries: few keys, each the work of a slow aggregate. */
export const CountrySummaries = defineGroup<[country: string], CountrySummary>('country-summaries');

const names = new Intl.DisplayNames(['en'], { type: 'region' });

/** One row a country, read for the rank alone: this is the slow part. */
const largerCountries = `(
  SELECT count(*)::integer FROM (SELECT sum(population) AS population FROM atlas.cities GROUP BY country) other
  WHERE other.population > sum(city.population)
)`;

const largestCities = `(
  SELECT json_agg(top) FROM (
    SELECT id, name, population FROM atlas.cities WHERE country = :country ORDER BY population DESC, id LIMIT 5
  ) top
)`;

interface SummaryRow {
  readonly cities: number;
  readonly population: number;
  readonly largerCountries: number;
  readonly medianCity: number;
  readonly largest: LargestCity[];
}

@Injectable()
export class CountriesService {
  constructor(
    @InjectRepository(City) private readonly cities: Repository<City>,
    private readonly log: StatementLog,
  ) {}

  @Cached(CountrySummaries, { cacheBytes: '4MiB', tags: ({ country }) => [country] })
  async summarise(country: string): Promise<CountrySummary> {
    const select = this.cities
      .createQueryBuilder('city')
      .select('count(*)::integer', 'cities')
      // A sum of integers is a bigint, which `pg` hands over as a string; every number here is exact as a double.
      .addSelect('sum(city.population)::double precision', 'population')
      .addSelect('percentile_disc(0.5) WITHIN GROUP (ORDER BY city.population)', 'medianCity')
      .addSelect(largerCountries, 'largerCountries')
      .addSelect(largestCities, 'largest')
      .where('city.country = :country', { country });
    const row = await this.log.counted(select, 'country-summaries', country).getRawOne<SummaryRow>();
    if (row === undefined || row.cities === 0) throw new NotFoundException(`no city is in a country ${country}`);

    const { largerCountries: larger, ...numbers } = row;
    return { country, name: names.of(country) ?? country, rank: larger + 1, ...numbers };
  }
}
