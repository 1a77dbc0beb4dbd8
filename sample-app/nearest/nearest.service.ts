import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Cached, defineGroup } from 'nestjs-groupcache';
import type { Repository } from 'typeorm';
import { City } from '../cities/city.entity.js';
import { StatementLog } from '../database/statement-log.js';
import type { NearbyCity } from './nearby-city.js';
import type { NearestQuery } from './nearest.query.js';

/** Cities round a point: one slow query, whose argument is a validated DTO. */
export const NearestCities = defineGroup<[query: NearestQuery], NearbyCity[]>('nearest-cities');

/** The haversine formula on a sphere of the Earth's mean radius. */
const kilometres = `12742 * asin(sqrt(
  power(sin(radians(city.lat - :lat) / 2), 2) +
  cos(radians(:lat)) * cos(radians(city.lat)) * power(sin(radians(city.lon - :lon) / 2), 2)
))`;

@Injectable()
export class NearestService {
  constructor(
    @InjectRepository(City) private readonly cities: Repository<City>,
    private readonly log: StatementLog,
  ) {}

  /**
   * Measures the distance to every city there is. An ordinary index is no help, since near a pole or the date line
   * the nearest city may be at any longitude: just what a cache is for.
   */
  @Cached(NearestCities, { cacheBytes: '16MiB', tags: (found) => found.map(({ city }) => city.country) })
  async find({ lat, lon, count }: NearestQuery): Promise<NearbyCity[]> {
    const select = this.cities
      .createQueryBuilder('city')
      .addSelect(kilometres, 'km')
      .setParameters({ lat, lon })
      .orderBy('km')
      .addOrderBy('city.id')
      .limit(count);
    const { entities, raw } = await this.log
      .counted(select, 'nearest-cities', `${lat} ${lon} ${count}`)
      .getRawAndEntities<{ km: number }>();

    return entities.map((city, index) => ({ km: Math.round((raw[index]?.km ?? 0) * 10) / 10, city }));
  }
}
