import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Cached, CacheEvict, defineGroup } from 'nestjs-groupcache';
import type { Repository } from 'typeorm';
import { CountryMaps } from '../countries/country-map.service.js';
import { CountrySummaries } from '../countries/countries.service.js';
import { StatementLog } from '../database/statement-log.js';
import { NearestCities } from '../nearest/nearest.service.js';
import type { CityChanges } from './city.changes.js';
import { City } from './city.entity.js';

/** Cities by id: a small value under many keys. */
export const CityById = defineGroup<[id: number], City>('city-by-id');

const version = '(SELECT version FROM atlas.cities WHERE id = :id)';

/** Whoever changes a city is told that it is done once no peer has the old value any more; see PartialRemovalFilter. */
const everywhere = { require: 'all', timeout: '2s' } as const;

/** Summaries, maps and lists of neighbours have the tags of the countries that they show. */
const byCountry = { ...everywhere, tags: ({ country }: City) => [country] };

@Injectable()
export class CitiesService {
  constructor(
    @InjectRepository(City) private readonly cities: Repository<City>,
    private readonly log: StatementLog,
  ) {}

  /**
   * Runs on the id's owner, once for all peers that ask. Where there is no such city, the owner's exception reaches
   * whoever asked, on any peer, and is not cached: the next one asks the database again.
   */
  @Cached(CityById, { cacheBytes: '16MiB' })
  async findOne(id: number): Promise<City> {
    const select = this.cities.createQueryBuilder('city').where('city.id = :id', { id });
    const city = await this.log.counted(select, 'city-by-id', String(id), version).getOne();
    if (city === null) throw new NotFoundException(`there is no city ${id}`);
    return city;
  }

  /**
   * Writes the database, and then takes the old city, and all that shows it, out of all peers. What is not removed is the
   * rank of other countries: that may be as old as the summaries' `ttl`.
   */
  @CacheEvict(CityById, { ...everywhere, args: (_city: City, id: number) => [id] })
  @CacheEvict(CountrySummaries, byCountry)
  @CacheEvict(CountryMaps, byCountry)
  @CacheEvict(NearestCities, byCountry)
  async update(id: number, changes: CityChanges): Promise<City> {
    const { affected } = await this.cities.update({ id }, changes);
    if (affected === 0) throw new NotFoundException(`there is no city ${id}`);
    return this.cities.findOneByOrFail({ id });
  }
}
