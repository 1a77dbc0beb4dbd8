import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Cached, defineGroup } from 'nestjs-groupcache';
import type { Repository } from 'typeorm';
import { StatementLog } from '../database/statement-log.js';
import { City } from './city.entity.js';

/** Cities by id: a small value under many keys. */
export const CityById = defineGroup<[id: number], City>('city-by-id');

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
    const city = await this.log.counted(select, 'city-by-id', String(id)).getOne();
    if (city === null) throw new NotFoundException(`there is no city ${id}`);
    return city;
  }
}
