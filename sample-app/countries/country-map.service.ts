import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { bytesCodec, Cached, defineGroup } from 'nestjs-groupcache';
import type { Repository } from 'typeorm';
import { City } from '../cities/city.entity.js';
import { StatementLog } from '../database/statement-log.js';
import { renderMap } from './render-map.js';

/** Countries' maps: bytes, which the cache keeps and sends as they are. */
export const CountryMaps = defineGroup<[country: string], Buffer>('country-maps');

@Injectable()
export class CountryMapService {
  constructor(
    @InjectRepository(City) private readonly cities: Repository<City>,
    private readonly log: StatementLog,
  ) {}

  /** An SVG. Reading and drawing both happen on the country's owner; other peers get the finished picture. */
  @Cached(CountryMaps, { cacheBytes: '32MiB', codec: bytesCodec, tags: (_map, country) => [country] })
  async draw(country: string): Promise<Buffer> {
    const select = this.cities
      .createQueryBuilder('city')
      .where('city.country = :country', { country })
      .orderBy('city.population', 'ASC');
    const cities = await this.log.counted(select, 'country-maps', country).getMany();
    if (cities.length === 0) throw new NotFoundException(`no city is in a country ${country}`);
    return Buffer.from(renderMap(country, cities));
  }
}
