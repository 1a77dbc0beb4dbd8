import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { City } from '../cities/city.entity.js';
import { CountriesController } from './countries.controller.js';
import { CountriesService } from './countries.service.js';
import { CountryMapService } from './country-map.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([City])],
  controllers: [CountriesController],
  providers: [CountriesService, CountryMapService],
})
export class CountriesModule {}
